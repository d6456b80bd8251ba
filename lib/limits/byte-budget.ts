/** Counts the bytes held by everything that charges it. It refuses nothing itself: its users look at `exceeded` first. */
export class ByteBudget {
  /** Told when what is held is within the limit again. */
  onBelow: (() => void) | undefined = undefined;
  private held = 0;
  private highest = 0;

  constructor(private most: number) {}

  get limit(): number {
    return this.most;
  }

  set limit(bytes: number) {
    const wasExceeded = this.exceeded;
    this.most = bytes;
    if (wasExceeded && !this.exceeded) {
      this.onBelow?.();
    }
  }

  get used(): number {
    return this.held;
  }

  /** The most that was ever held at a time. */
  get peak(): number {
    return this.highest;
  }

  get exceeded(): boolean {
    return this.held > this.most;
  }

  charge(bytes: number): void {
    this.held += bytes;
    if (this.held > this.highest) {
      this.highest = this.held;
    }
  }

  release(bytes: number): void {
    const wasExceeded = this.exceeded;
    this.held -= bytes;
    if (wasExceeded && !this.exceeded) {
      this.onBelow?.();
    }
  }
}
