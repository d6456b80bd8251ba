interface Waiting {
  readonly rank: number;
  readonly settle: (isTurn: boolean) => void;
}

/**
 * Lets so many run at a time and so many wait. Of those who wait, the lowest rank is next, and of equals whoever came first;
 * where no more may wait, the highest rank is turned away, and of equals whoever came last.
 */
export class Turnstile {
  /** In the order of their turns. */
  private readonly waiting: Waiting[] = [];
  private running = 0;

  constructor(private readonly bounds: { readonly maxRunning: number; readonly maxWaiting: number }) {}

  /** Resolves when it is the caller's turn, who must call {@link leave} after it; to `false` if turned away. */
  enter(rank = 0): Promise<boolean> {
    const { maxRunning, maxWaiting } = this.bounds;
    if (this.running < maxRunning) {
      this.running++;
      return Promise.resolve(true);
    }
    return new Promise(settle => {
      const behind = this.waiting.findLastIndex(other => other.rank <= rank);
      this.waiting.splice(behind + 1, 0, { rank, settle });
      if (this.waiting.length > maxWaiting) {
        this.waiting.pop()?.settle(false);
      }
    });
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) {
      this.running--;
    } else {
      next.settle(true);
    }
  }
}
