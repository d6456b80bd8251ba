/** Random numbers that can be had again (xorshift32). */
export class Random {
  constructor(private state: number) {
    this.state = state >>> 0 === 0 ? 1 : state >>> 0;
  }

  next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>>= 0);
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return limit <= 0 ? 0 : this.next() % limit;
  }

  /** Mostly a few, sometimes many. */
  small(): number {
    return this.below(2 ** this.below(12));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
