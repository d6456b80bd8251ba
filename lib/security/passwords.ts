import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { PasswordHash } from '../options/password-hash.js';
import { lengthPrefixed, u32 } from './binary-fields.js';
import { isPasswordOf, unusableHash } from './password-hashing.js';
import { Turnstile } from './turnstile.js';

const MAX_KNOWN = 10_000;

/** `busy`: more passwords wait to be looked at than may. It says nothing of this one. */
export type PasswordVerdict = 'right' | 'wrong' | 'busy';

interface Attempt {
  readonly name: string;
  readonly password: string;
  /** Any of them is right: old beside new. `undefined` or empty where nobody has this name. */
  readonly hashes: readonly PasswordHash[] | undefined;
  /** Of all who wait, the lowest is next. @defaultValue 0 */
  readonly rank?: number;
}

/**
 * Compares passwords with hashes that are slow to compute, at a cost that peers cannot raise: a few at a time, a few more
 * that wait, the rest refused at once. Whoever was right before is recognised without any of this.
 */
export class PasswordVerifier {
  private readonly turnstile: Turnstile;
  /** Of each name, what was right last: not the password, but a code of it that means nothing in another process. */
  private readonly known = new Map<string, Buffer>();
  /** With it, what is known would be as good as a fast hash: out of sight of whoever prints this. */
  readonly #codeKey = randomBytes(32);
  private readonly nobodysHashes = [unusableHash()];

  /** @param options `maxRunning`: hashes computed at a time, by default 2; `maxWaiting`: by default 64. */
  constructor({ maxRunning = 2, maxWaiting = 64 }: { maxRunning?: number; maxWaiting?: number } = {}) {
    this.turnstile = new Turnstile({ maxRunning, maxWaiting });
  }

  /** Whether it is what was right before, for which nothing has to be computed. */
  recognises({ name, password, hashes = [] }: Attempt): boolean {
    const code = this.known.get(name);
    return code !== undefined && hashes.some(hash => timingSafeEqual(code, this.codeOf(password, hash)));
  }

  /** Takes as long for a name that nobody has as for a wrong password of one hash with the usual costs. Rejects only for want of memory. */
  async verify(attempt: Attempt): Promise<PasswordVerdict> {
    if (this.recognises(attempt)) {
      return 'right';
    }
    if (!(await this.turnstile.enter(attempt.rank))) {
      return 'busy';
    }
    const { hashes = [] } = attempt;
    try {
      for (const hash of hashes.length === 0 ? this.nobodysHashes : hashes) {
        // One after another, so that who has two hashes takes no more room than who has one.
        if (await isPasswordOf(attempt.password, hash)) {
          this.remember(attempt, hash);
          return 'right';
        }
      }
      return 'wrong';
    } finally {
      this.turnstile.leave();
    }
  }

  /** Everybody of that name, or everybody, has to be looked at again. */
  forget(name?: string): void {
    if (name === undefined) {
      this.known.clear();
    } else {
      this.known.delete(name);
    }
  }

  private remember({ name, password }: Attempt, hash: PasswordHash): void {
    this.known.delete(name);
    const [oldest] = this.known.keys();
    if (this.known.size >= MAX_KNOWN && oldest !== undefined) {
      this.known.delete(oldest);
    }
    this.known.set(name, this.codeOf(password, hash));
  }

  /** Of password and hash together: when the hash changes, what was right by the old one is not known any more. */
  private codeOf(password: string, { logCost, blockSize, parallelization, salt, hash }: PasswordHash): Buffer {
    const costs = Buffer.concat([logCost, blockSize, parallelization].map(u32));
    return createHmac('sha256', this.#codeKey)
      .update(lengthPrefixed([password, costs, salt.reveal(), hash.reveal()]))
      .digest();
  }
}
