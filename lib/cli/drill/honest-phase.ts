/** What the honest client got in a stretch of time. */
export interface PhaseFigures {
  readonly milliseconds: number;
  readonly answered: number;
  /** Answers that were not what had been asked for. */
  readonly wrong: number;
  /** Requests that the target refused with an error. */
  readonly refused: number;
  /** Requests without an answer, be it that the connection ended or that none came in time. */
  readonly lost: number;
  /** Connections that ended. */
  readonly evictions: number;
  /** Right answers a second. */
  readonly goodput: number;
  /** Milliseconds from request to answer, 0 without any. */
  readonly p50: number;
  readonly p99: number;
}

type Counted = 'wrong' | 'refused' | 'lost' | 'evictions';

/** Counts up one stretch. Latencies are bounded by the rate of requests and the longest attack. */
export class HonestPhase {
  private readonly counts = { wrong: 0, refused: 0, lost: 0, evictions: 0 };
  private readonly latencies: number[] = [];
  private endedAt: number | undefined;

  constructor(private readonly startedAt: number) {}

  count(what: Counted): void {
    this.counts[what] += 1;
  }

  /** Answers that come after the end are no goodput, but still not lost. */
  answer(latency: number): void {
    if (this.endedAt === undefined) {
      this.latencies.push(latency);
    }
  }

  end(now: number): void {
    this.endedAt ??= now;
  }

  figures(now: number): PhaseFigures {
    const milliseconds = (this.endedAt ?? now) - this.startedAt;
    const sorted = this.latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return {
      ...this.counts,
      milliseconds,
      answered: sorted.length,
      goodput: milliseconds > 0 ? (sorted.length * 1_000) / milliseconds : 0,
      p50: at(0.5),
      p99: at(0.99),
    };
  }
}
