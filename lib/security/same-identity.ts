import type { ResolvedIdentity } from '../options/identity-options.js';
import type { PasswordHash } from '../options/password-hash.js';

/** Whether two identities are the same in all that they are and in all that proves them. */
export function sameIdentity(one: ResolvedIdentity, other: ResolvedIdentity): boolean {
  return fingerprintOf(one) === fingerprintOf(other);
}

/** Lives no longer than the comparison, as it has the secrets in it. */
function fingerprintOf({ name, roles, addresses, certificates, curveKeys, passwords, signingKeys }: ResolvedIdentity) {
  return JSON.stringify([
    name,
    roles,
    addresses,
    certificates,
    curveKeys,
    passwords.map(passwordOf),
    signingKeys.map(key => key.reveal().toString('hex')),
  ]);
}

function passwordOf({ salt, hash, logCost, blockSize, parallelization }: PasswordHash): readonly unknown[] {
  return [salt.reveal().toString('hex'), hash.reveal().toString('hex'), logCost, blockSize, parallelization];
}
