const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Decides when something that failed is asked again: after a second, and while that fails after twice as long each time,
 * up to ten seconds. A relapse within ten seconds goes on where the pauses were.
 */
export class CircuitBreaker {
  private pause = 0;
  private retryAt = 0;
  private closedAt = Number.NEGATIVE_INFINITY;
  private open = false;

  /** Whether it failed and has not been seen to work since. */
  get isOpen(): boolean {
    return this.open;
  }

  /** While it is open: true once after each pause, for the one who is to try. */
  claimTrial(now: number): boolean {
    if (!this.open || now < this.retryAt) {
      return false;
    }
    // Until the outcome is known, and for the case that it never will be.
    this.retryAt = now + this.pause;
    return true;
  }

  /** Returns whether that is news. */
  fail(now: number): boolean {
    const isNews = !this.open;
    const isRelapse = this.open || now - this.closedAt < LONGEST_PAUSE_MS;
    this.pause = isRelapse ? Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.pause * 2)) : FIRST_PAUSE_MS;
    this.retryAt = now + this.pause;
    this.open = true;
    return isNews;
  }

  /** Returns whether that is news. */
  succeed(now: number): boolean {
    const isNews = this.open;
    if (isNews) {
      this.open = false;
      this.closedAt = now;
    }
    return isNews;
  }
}
