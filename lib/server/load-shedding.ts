import { Shedding, type LoadSample, type SheddingChange, type SheddingReason } from '../limits/shedding.js';
import { LoadMonitor } from '../monitoring/load-monitor.js';
import type { ResolvedSheddingOptions } from '../options/shedding-options.js';

/** The server refuses new requests because its process has too much to do, or takes them again. */
export interface ZmqOverload {
  readonly isShedding: boolean;
  /** What there is, or was, too much of. */
  readonly reason: SheddingReason;
  /** Milliseconds by which the event loop was late. */
  readonly eventLoopDelay: number;
  /** Part of V8's heap limit in use, 0 to 1. */
  readonly heap: number;
}

/** Watches how busy the process is, and tells when new work is to be refused. */
export class LoadShedding {
  private rule: Shedding | undefined;
  private monitor: LoadMonitor | undefined;
  private isRunning = false;

  constructor(
    private options: ResolvedSheddingOptions | false,
    private readonly onChange: (overload: ZmqOverload) => void,
  ) {}

  start(): void {
    this.isRunning = true;
    this.watch();
  }

  stop(): void {
    this.isRunning = false;
    this.unwatch();
  }

  /** Other thresholds from now on. */
  adjust(options: ResolvedSheddingOptions | false): void {
    const { rule, monitor } = this;
    this.options = options;
    if (options !== false && rule !== undefined && monitor !== undefined) {
      rule.thresholds = options;
      monitor.interval = options.interval;
      return;
    }
    if (options === false && rule?.reason !== undefined) {
      this.tell({ isOn: false, reason: rule.reason, sample: NOTHING });
    }
    this.unwatch();
    if (this.isRunning) {
      this.watch();
    }
  }

  private watch(): void {
    const { options } = this;
    if (options !== false) {
      const rule = new Shedding(options);
      this.rule = rule;
      this.monitor = new LoadMonitor({
        interval: options.interval,
        needsRss: () => rule.thresholds.rss !== undefined,
        onSample: sample => this.tell(rule.update(sample)),
      });
      this.monitor.start();
    }
  }

  private unwatch(): void {
    this.monitor?.stop();
    this.monitor = undefined;
    this.rule = undefined;
  }

  private tell(change: SheddingChange | undefined): void {
    if (change !== undefined) {
      const { eventLoopDelayMs, heapUsedPart } = change.sample;
      this.onChange({
        isShedding: change.isOn,
        reason: change.reason,
        eventLoopDelay: Math.round(eventLoopDelayMs),
        heap: Number(heapUsedPart.toFixed(2)),
      });
    }
  }
}

const NOTHING: LoadSample = { eventLoopDelayMs: 0, heapUsedPart: 0, rssBytes: 0 };
