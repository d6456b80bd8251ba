/** Statistics over every value of one metric since the service started. */
export interface MetricStatistics {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** The value that arrived last. */
  readonly last: number;
}

/** Keeps {@link MetricStatistics} up to date in constant memory, however many values arrive. */
export class RunningStatistics {
  private count = 0;
  private min = Infinity;
  private max = -Infinity;
  private mean = 0;
  private last = Number.NaN;

  add(value: number): void {
    this.count += 1;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    // Dividing before subtracting keeps the step finite for values near the largest double.
    this.mean += value / this.count - this.mean / this.count;
    this.last = value;
  }

  snapshot(): MetricStatistics {
    const { count, min, max, mean, last } = this;
    return { count, min, max, mean, last };
  }
}
