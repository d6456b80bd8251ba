import { GenerationMap } from '../limits/generation-map.js';
import { TokenBucket } from '../limits/token-bucket.js';
import { addressKey } from './addresses.js';

/** Passwords that have come from one address. */
interface Attempts {
  readonly bucket: TokenBucket;
  /** Those that have not been looked at yet. */
  waiting: number;
}

/** Wrong passwords of one address that are looked at, at once and a second. */
const WRONG_PASSWORDS = { atOnce: 10, perSecond: 1 };
const MAX_ADDRESSES = 10_000;

/**
 * Wrong passwords of each address, of IPv6 of its /64 network. Who has had too many is not looked at for a while; where an
 * address is not known, there is none to hold responsible.
 */
export class PasswordAttempts {
  private readonly attempts = new GenerationMap<Attempts>(MAX_ADDRESSES);

  /**
   * Looks at a password of an address.
   *
   * @param look is given a rank: whoever has tried little lately comes before those who try and try
   * @returns `undefined` if there have been too many
   */
  async try<T>(
    address: string | undefined,
    look: (rank: number) => Promise<T>,
    isWrong: (result: T) => boolean,
  ): Promise<T | undefined> {
    if (address === undefined) {
      return look(0);
    }
    const attempts = this.of(address);
    const { bucket } = attempts;
    if (bucket.waitAt(performance.now()) > 0) {
      return undefined;
    }
    const rank = Math.max(attempts.waiting, Math.round(bucket.usedAt(performance.now())));
    // Taken before, and given back unless it was wrong: many may come at once.
    bucket.take(1, performance.now());
    attempts.waiting++;
    try {
      const result = await look(rank);
      if (!isWrong(result)) {
        bucket.take(-1, performance.now());
      }
      return result;
    } finally {
      attempts.waiting--;
    }
  }

  private of(address: string): Attempts {
    const { atOnce, perSecond } = WRONG_PASSWORDS;
    const key = addressKey(address);
    const known = this.attempts.get(key);
    if (known !== undefined) {
      return known;
    }
    const attempts = { bucket: new TokenBucket(perSecond, atOnce, performance.now()), waiting: 0 };
    this.attempts.set(key, attempts);
    return attempts;
  }
}
