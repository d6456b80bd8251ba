import { errorText } from '../error-text.js';
import { quantile } from '../statistics.js';
import type { RequestLoad, RequestResult } from './loads.js';

/** Latencies are kept of the last so many requests. */
const MAX_SAMPLES = 1 << 18;
const MAX_ERRORS = 1_000;

/** Counts the requests of one load and decides when it is over. One clock reading per request serves all of it. */
export class RequestTally {
  private readonly countFrom: number;
  private readonly until: number;
  private readonly samples: Float64Array;
  private counted = 0;
  private total = 0;
  private errors = 0;
  private firstError: string | undefined;
  private lastCountedAt = 0;

  constructor(private readonly load: RequestLoad) {
    this.countFrom = performance.now() + load.warmMs;
    this.until = this.countFrom + load.measureMs;
    // Samples would look like a leak where memory is what a counted load measures.
    this.samples = new Float64Array(load.count === undefined ? MAX_SAMPLES : 0);
  }

  /** @returns the moment, in milliseconds, which is also the start of a request that follows at once. */
  settle(startedAt: number, size: number): number {
    const now = performance.now();
    this.total++;
    if (size !== this.load.bytes) {
      this.fail(new Error(`an answer of ${size} instead of ${this.load.bytes} bytes`));
    } else if (now >= this.countFrom && now < this.until) {
      if (this.samples.length > 0) this.samples[this.counted % MAX_SAMPLES] = now - startedAt;
      this.counted++;
      this.lastCountedAt = now;
    }
    return now;
  }

  fail(error: unknown): void {
    this.errors++;
    this.firstError ??= errorText(error);
  }

  isOver(now: number, open: number): boolean {
    const { count } = this.load;
    return now >= this.until || this.errors >= MAX_ERRORS || (count !== undefined && this.total + open >= count);
  }

  result(drained: boolean): RequestResult {
    const { counted, total, errors, firstError } = this;
    const samples = this.samples.subarray(0, counted).sort();
    return {
      counted,
      total,
      errors,
      drained,
      measuredMs: this.load.count === undefined ? this.load.measureMs : this.lastCountedAt - this.countFrom,
      p50Us: quantile(samples, 0.5) * 1_000,
      p99Us: quantile(samples, 0.99) * 1_000,
      ...(firstError !== undefined && { firstError }),
    };
  }
}
