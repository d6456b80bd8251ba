import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import type { FrameWriter } from './frame-writer.js';

export interface WriteWatchOptions {
  readonly writer: FrameWriter;
  readonly wheel: DeadlineWheel;
  readonly limits: () => { readonly stallTimeout: number; readonly minRate: number };
  /** What waited at the beginning of a period had not gone by its end. */
  readonly onStalled: (figures: { readonly limit: number; readonly actual: number }) => void;
}

/**
 * Sees to it that a peer takes what is sent to it: in each period of the stall timeout at least as much as the slowest
 * allowed rate, or all that waited at its beginning. A peer that trickles is as good as one that stands.
 */
export class WriteWatch extends Expiring {
  private taken = 0;
  private needed = 0;
  private offered = 0;
  private isWatching = false;

  constructor(private readonly options: WriteWatchOptions) {
    super();
  }

  /** Something waits to be written. */
  start(): void {
    if (!this.isWatching) {
      this.isWatching = true;
      this.next();
    }
  }

  stop(): void {
    this.isWatching = false;
    this.options.wheel.remove(this);
  }

  override expire(): void {
    const { writer, onStalled } = this.options;
    this.isWatching = false;
    const progress = writer.taken - this.taken;
    // With everything gone it does not matter how much that was.
    const isThrough = writer.offered - writer.queued >= this.offered;
    if (progress < this.needed && !isThrough) {
      onStalled({ limit: this.needed, actual: progress });
    } else if (writer.queued > 0) {
      this.start();
    }
  }

  private next(): void {
    const { writer, wheel, limits } = this.options;
    const { stallTimeout, minRate } = limits();
    this.taken = writer.taken;
    this.offered = writer.offered;
    this.needed = Math.ceil(Math.min(writer.waiting, (minRate * stallTimeout) / 1000));
    wheel.add(this, stallTimeout);
  }
}
