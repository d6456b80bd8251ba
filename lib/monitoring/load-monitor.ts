import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { getHeapStatistics, type HeapInfo } from 'node:v8';
import { systemClock, type Clock } from '../limits/clock.js';
import type { LoadSample } from '../limits/shedding.js';

/** Times between two ticks of a timer, in nanoseconds. A reset also forgets the last tick. */
export type TickHistogram = Pick<IntervalHistogram, 'enable' | 'disable' | 'reset' | 'count' | 'mean' | 'max'>;

export interface LoadMonitorOptions {
  /** Milliseconds between two samples. */
  readonly interval: number;
  readonly onSample: (sample: LoadSample) => void;
  /** Whether resident memory is worth being asked for, each time anew. @defaultValue never */
  readonly needsRss?: () => boolean;
  readonly clock?: Clock;
  /** Watches the event loop by a timer of so many milliseconds. @defaultValue that of Node */
  readonly watchTicks?: (resolution: number) => TickHistogram;
  /** @defaultValue V8's statistics */
  readonly heap?: () => Pick<HeapInfo, 'used_heap_size' | 'heap_size_limit'>;
  /** Resident memory in bytes; may throw. @defaultValue that of this process */
  readonly resident?: () => number;
}

const RESOLUTION_MS = 10;
const NANOS_PER_MS = 1e6;

/** Takes samples of how busy the process is. It never keeps the process alive. */
export class LoadMonitor {
  /** Milliseconds between two samples; another value holds from the next sample. */
  interval: number;
  private readonly clock: Clock;
  private readonly heap: NonNullable<LoadMonitorOptions['heap']>;
  private readonly resident: () => number;
  private ticks: TickHistogram | undefined;
  private stopTimer: (() => void) | undefined;
  /** When the last sample was taken. */
  private sampledAt = 0;
  private lastResident = 0;

  constructor(private readonly options: LoadMonitorOptions) {
    this.interval = options.interval;
    this.clock = options.clock ?? systemClock;
    this.heap = options.heap ?? getHeapStatistics;
    this.resident = options.resident ?? (() => process.memoryUsage.rss());
  }

  start(): void {
    if (this.ticks !== undefined) {
      return;
    }
    const { watchTicks = resolution => monitorEventLoopDelay({ resolution }) } = this.options;
    this.ticks = watchTicks(RESOLUTION_MS);
    this.ticks.enable();
    this.sampledAt = this.clock.now();
    this.schedule(this.ticks);
  }

  /** Leaves no timer; it may be started again. */
  stop(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.ticks?.disable();
    this.ticks = undefined;
  }

  private schedule(ticks: TickHistogram): void {
    this.stopTimer = this.clock.after(this.interval, () => {
      // First, as whoever gets the sample may stop all this.
      this.schedule(ticks);
      this.options.onSample(this.sample(ticks));
    });
  }

  private sample(ticks: TickHistogram): LoadSample {
    const { used_heap_size: used, heap_size_limit: most } = this.heap();
    return {
      eventLoopDelayMs: this.takeDelay(ticks),
      heapUsedPart: used / most,
      rssBytes: this.options.needsRss?.() === true ? this.residentBytes() : 0,
    };
  }

  private takeDelay(ticks: TickHistogram): number {
    const now = this.clock.now();
    const delay = meanDelay(ticks, now - this.sampledAt);
    ticks.reset();
    this.sampledAt = now;
    return delay;
  }

  private residentBytes(): number {
    try {
      this.lastResident = this.resident();
    } catch {
      // Reading it takes a descriptor, of which there may be none left.
    }
    return this.lastResident;
  }
}

/**
 * By how many milliseconds the loop was late at the average moment of the last `elapsed` ones. The average over ticks would
 * hide what it should show: while the loop is blocked there are none, and of a second blocked and a tenth of a second free
 * ten ticks out of eleven are in time. So each gap between two ticks counts for as long as it lasted; those that were late
 * are taken to be as long as the longest, since the exact sum (by the deviation) takes ten times as long to get.
 */
function meanDelay(ticks: TickHistogram, elapsed: number): number {
  const { count } = ticks;
  // The gaps at both ends are not in the histogram: the first has no tick before it, the last none after it.
  const inTime = (count + 2) * RESOLUTION_MS;
  if (elapsed <= inTime + RESOLUTION_MS) {
    // As good as nothing, and by far the most frequent; the mean is the dearest of all figures.
    return 0;
  }
  const recorded = count === 0 ? 0 : (count * ticks.mean) / NANOS_PER_MS;
  const late = Math.max(0, recorded - count * RESOLUTION_MS) * (ticks.max / NANOS_PER_MS);
  // A block that begins right after a sample is in the first of the gaps at the ends.
  const rest = Math.max(0, elapsed - recorded);
  return (late + rest * Math.max(0, rest - 2 * RESOLUTION_MS)) / elapsed;
}
