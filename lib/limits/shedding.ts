import type { ResolvedSheddingOptions } from '../options/shedding-options.js';

/** How busy the process is. */
export interface LoadSample {
  /** Milliseconds by which the event loop was late, averaged over the time since the last sample. */
  readonly eventLoopDelayMs: number;
  /** Part of V8's heap limit in use, 0 to 1. */
  readonly heapUsedPart: number;
  /** Resident memory; 0 where no threshold asks for it. */
  readonly rssBytes: number;
}

export type SheddingThresholds = Omit<ResolvedSheddingOptions, 'interval'>;

/** The measure that is to blame. */
export type SheddingReason = 'event-loop' | 'heap' | 'rss';

/** Shedding has begun (`isOn`) or ended. */
export interface SheddingChange {
  readonly isOn: boolean;
  /** What it begins for; at its end, what it lasted for to the last. */
  readonly reason: SheddingReason;
  /** The sample that decided. */
  readonly sample: LoadSample;
}

interface Load {
  readonly reason: SheddingReason;
  readonly value: number;
  readonly threshold: number;
}

/** One sample alone above a threshold may be a collection of garbage. */
const SAMPLES_TO_BEGIN = 2;

/**
 * Decides from samples of the load when new work is to be refused: from the second sample in a row above one and the same
 * threshold until all measures are below `recovery` of theirs, so that it does not go on and off around a threshold.
 */
export class Shedding {
  private current: SheddingReason | undefined = undefined;
  /** Samples in a row above each threshold. */
  private readonly streaks: Record<SheddingReason, number> = { 'event-loop': 0, heap: 0, rss: 0 };

  /** `thresholds` may be set at any time and hold from the next sample. */
  constructor(public thresholds: SheddingThresholds) {}

  get isOn(): boolean {
    return this.current !== undefined;
  }

  /** Why it is on: a measure that has not recovered. `undefined` while it is off. */
  get reason(): SheddingReason | undefined {
    return this.current;
  }

  /** Takes the next sample; gives a change only when shedding begins or ends by it. */
  update(sample: LoadSample): SheddingChange | undefined {
    const loads = loadsOf(sample, this.thresholds);
    for (const { reason, value, threshold } of loads) {
      this.streaks[reason] = value > threshold ? this.streaks[reason] + 1 : 0;
    }
    const { current } = this;
    if (current === undefined) {
      this.current = loads.find(({ reason }) => this.streaks[reason] >= SAMPLES_TO_BEGIN)?.reason;
      return this.current && { isOn: true, reason: this.current, sample };
    }
    this.current = this.lasting(loads, current);
    return this.current === undefined ? { isOn: false, reason: current, sample } : undefined;
  }

  /** The reason for going on, which is the old one for as long as that lasts. */
  private lasting(loads: readonly Load[], current: SheddingReason): SheddingReason | undefined {
    const { recovery } = this.thresholds;
    const reasons = loads.filter(({ value, threshold }) => value >= recovery * threshold).map(({ reason }) => reason);
    return reasons.includes(current) ? current : reasons[0];
  }
}

function loadsOf(sample: LoadSample, thresholds: SheddingThresholds): readonly Load[] {
  return [
    { reason: 'event-loop', value: sample.eventLoopDelayMs, threshold: thresholds.eventLoopDelay },
    { reason: 'heap', value: sample.heapUsedPart, threshold: thresholds.heap },
    { reason: 'rss', value: sample.rssBytes, threshold: thresholds.rss ?? Infinity },
  ];
}
