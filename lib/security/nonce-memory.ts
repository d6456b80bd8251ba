/** Slices of time that are forgotten as a whole. The more there are, the sooner a nonce that is past its time leaves. */
const SLICES_PER_WINDOW = 4;

/** `busy`: as many have come in the window as can be remembered. */
export type NonceUse = 'fresh' | 'replayed' | 'expired' | 'busy';

/**
 * Remembers which nonces have been used, each for as long as the time that was stamped beside it would let it pass
 * again. It never forgets one before: when it is full it takes no more. Nothing has to be swept or timed.
 *
 * Times are the wall clock's, in milliseconds. If that is set back, what was forgotten by then can pass again.
 */
export class NonceMemory {
  /** Nonces by the slice of time that their stamps fall into. */
  private readonly slices = new Map<number, Set<string>>();
  private readonly windowMs: number;
  private readonly sliceMs: number;
  private readonly maxNonces: number;
  private readonly now: () => number;
  private remembered = 0;

  /** @param options `windowMs`: how far a stamp may be from now, either way; `maxNonces`: how many are remembered. */
  constructor(options: { windowMs: number; maxNonces: number; now: () => number }) {
    this.windowMs = options.windowMs;
    this.sliceMs = Math.max(1, Math.ceil(options.windowMs / SLICES_PER_WINDOW));
    this.maxNonces = options.maxNonces;
    this.now = options.now;
  }

  get size(): number {
    return this.remembered;
  }

  /** Whether a stamp is near enough to now. Nothing is remembered. */
  isTimely(time: number): boolean {
    return Math.abs(this.now() - time) <= this.windowMs;
  }

  /** Uses a nonce, if it has not been used with that stamp before. Only for what has been proven to be genuine. */
  use(nonce: string, time: number): NonceUse {
    if (!this.isTimely(time)) {
      return 'expired';
    }
    this.forget();
    const slice = Math.floor(time / this.sliceMs);
    const used = this.slices.get(slice);
    if (used?.has(nonce) === true) {
      return 'replayed';
    }
    if (this.remembered >= this.maxNonces) {
      return 'busy';
    }
    if (used === undefined) {
      this.slices.set(slice, new Set([nonce]));
    } else {
      used.add(nonce);
    }
    this.remembered++;
    return 'fresh';
  }

  private forget(): void {
    const oldest = Math.floor((this.now() - this.windowMs) / this.sliceMs);
    for (const [slice, used] of this.slices) {
      if (slice < oldest) {
        this.slices.delete(slice);
        this.remembered -= used.size;
      }
    }
  }
}
