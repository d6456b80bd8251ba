/** Takes so many a second, and a burst of so many at once. Time is the caller's. */
export class TokenBucket {
  private tokens: number;
  private refilledAt: number;

  constructor(
    private rate: number,
    private burst: number,
    now: number,
  ) {
    this.tokens = burst;
    this.refilledAt = now;
  }

  /** Takes tokens even where there are none: what has been received cannot be refused any more, only waited for. */
  take(amount: number, now: number): void {
    this.refill(now);
    this.tokens -= amount;
  }

  /** Tokens that have been taken, and are not there again. */
  usedAt(now: number): number {
    this.refill(now);
    return this.burst - this.tokens;
  }

  /** Milliseconds until there are tokens again; 0 if there are. */
  waitAt(now: number): number {
    this.refill(now);
    return this.tokens > 0 ? 0 : Math.ceil(((1 - this.tokens) / this.rate) * 1000);
  }

  /** Other limits from now on; what was saved up beyond the new burst is lost. */
  adjust(rate: number, burst: number, now: number): void {
    this.refill(now);
    this.rate = rate;
    this.burst = burst;
    this.tokens = Math.min(this.tokens, burst);
  }

  private refill(now: number): void {
    if (now > this.refilledAt) {
      this.tokens = Math.min(this.burst, this.tokens + ((now - this.refilledAt) / 1000) * this.rate);
      this.refilledAt = now;
    }
  }
}
