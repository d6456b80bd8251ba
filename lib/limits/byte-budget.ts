/** Counts the bytes held by everything that charges it. It refuses nothing itself: its users look at `exceeded` first. */
export class ByteBudget {
  private held = 0;
  private highest = 0;

  constructor(readonly limit: number) {}

  get used(): number {
    return this.held;
  }

  /** The most that was ever held at a time. */
  get peak(): number {
    return this.highest;
  }

  get exceeded(): boolean {
    return this.held > this.limit;
  }

  charge(bytes: number): void {
    this.held += bytes;
    if (this.held > this.highest) {
      this.highest = this.held;
    }
  }

  release(bytes: number): void {
    this.held -= bytes;
  }
}
