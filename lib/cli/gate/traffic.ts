/** Messages a second between two looks. */
export class Rate {
  private lastCount = 0;
  private lastAt: number;

  constructor(private readonly now: () => number) {
    this.lastAt = now();
  }

  /** The rate since the last look at a count that only grows. */
  of(count: number): number {
    const now = this.now();
    const seconds = (now - this.lastAt) / 1_000;
    const rate = seconds > 0 ? (count - this.lastCount) / seconds : 0;
    this.lastAt = now;
    this.lastCount = count;
    return Math.round(rate);
  }
}

/** What has passed through the program. */
export class Traffic {
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Messages that could not be delivered to the service. */
  dropped = 0;
  violations = 0;

  received(frames: readonly Buffer[]): void {
    this.messagesIn++;
    this.bytesIn += sizeOf(frames);
  }

  answered(frames: readonly Buffer[]): void {
    this.messagesOut++;
    this.bytesOut += sizeOf(frames);
  }
}

function sizeOf(frames: readonly Buffer[]): number {
  let bytes = 0;
  for (const { length } of frames) {
    bytes += length;
  }
  return bytes;
}
