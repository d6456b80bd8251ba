import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { formatPasswordHash, type PasswordHash } from '../options/password-hash.js';
import { Secret } from '../options/secret.js';

/** Time and memory that one try costs: 2^15 × 8 × 128 bytes = 32 MB (RFC 7914). */
const USUAL_COST = { logCost: 15, blockSize: 8, parallelization: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Hashes a password for the option `passwordHash`: PHC text, scrypt of the usual cost, with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, { ...USUAL_COST, salt, length: HASH_BYTES });
  return formatPasswordHash({ ...USUAL_COST, salt: new Secret(salt), hash: new Secret(hash) });
}

/** A hash of the usual cost that no password has: for who has none, so that this cannot be told by the time it takes. */
export function unusableHash(): PasswordHash {
  const [salt, hash] = [randomBytes(SALT_BYTES), randomBytes(HASH_BYTES)];
  return { ...USUAL_COST, salt: new Secret(salt), hash: new Secret(hash) };
}

/** Rejects only if the memory that it takes cannot be had. */
export async function isPasswordOf(password: string, stored: PasswordHash): Promise<boolean> {
  const expected = stored.hash.reveal();
  const { logCost, blockSize, parallelization } = stored;
  const options = { logCost, blockSize, parallelization, salt: stored.salt.reveal(), length: expected.length };
  return timingSafeEqual(expected, await derive(password, options));
}

interface Derivation {
  readonly logCost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly length: number;
}

function derive(password: string, { logCost, blockSize, parallelization, salt, length }: Derivation): Promise<Buffer> {
  const cost = 2 ** logCost;
  // Node refuses what takes more than 32 MB unless it is told; twice what scrypt needs leaves room for its scratch.
  const maxmem = 2 * 128 * blockSize * (cost + parallelization);
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { cost, blockSize, parallelization, maxmem }, (error, hash) => {
      if (error === null) {
        resolve(hash);
      } else {
        reject(error);
      }
    });
  });
}
