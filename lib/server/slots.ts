import type { ByteBudget } from '../limits/byte-budget.js';
import { systemClock, type Clock } from '../limits/clock.js';

export type Admission = 'admitted' | 'wait' | 'refused';

export interface SlotsOptions {
  readonly limit: number;
  readonly stallTimeout: number;
  readonly budget: ByteBudget;
  /** There may be room again, or waiting has turned into refusing. */
  readonly onChange: () => void;
  readonly clock?: Clock;
}

/**
 * The places for running handlers. While all are taken, or the memory budget is, new work waits and reading pauses. When
 * nothing finishes for `stallTimeout` meanwhile, new work is refused instead of waiting: reading must go on then, because
 * the cancellations that would free the places come in by the same way.
 */
export class Slots {
  private taken = 0;
  private waiting = false;
  private refusing = false;
  private stopTimer: (() => void) | undefined;
  /** Bytes that were held when the wait began. */
  private heldAtStart = 0;
  private readonly clock: Clock;

  constructor(private readonly options: SlotsOptions) {
    this.clock = options.clock ?? systemClock;
  }

  get used(): number {
    return this.taken;
  }

  /** Whether work may start now. Asking while there is no room starts the wait for it. */
  admit(): Admission {
    if (this.hasRoom()) {
      this.settle();
      return 'admitted';
    }
    if (this.refusing) {
      return 'refused';
    }
    this.waiting = true;
    this.startTimer();
    return 'wait';
  }

  take(): void {
    this.taken++;
  }

  /** A handler has finished. */
  release(): void {
    this.taken--;
    this.restart();
  }

  /** Something that may make room has happened, such as a reply that has left. */
  progress(): void {
    // Replies that leave are no sign of life of handlers that hold the places; they are one of memory getting free.
    const { budget } = this.options;
    if (this.hasRoom() || (budget.exceeded && budget.used < this.heldAtStart)) {
      this.restart();
    }
  }

  close(): void {
    this.settle();
  }

  private restart(): void {
    if (!this.waiting && !this.refusing) {
      return;
    }
    if (this.hasRoom()) {
      this.settle();
      this.options.onChange();
    } else if (!this.refusing) {
      this.endTimer();
      this.startTimer();
    }
  }

  /** Nobody waits any more. */
  private settle(): void {
    if (this.waiting || this.refusing) {
      this.waiting = false;
      this.refusing = false;
      this.endTimer();
    }
  }

  private startTimer(): void {
    if (this.stopTimer === undefined) {
      this.heldAtStart = this.options.budget.used;
      this.stopTimer = this.clock.after(this.options.stallTimeout, () => {
        this.stopTimer = undefined;
        this.refusing = true;
        this.options.onChange();
      });
    }
  }

  private endTimer(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  private hasRoom(): boolean {
    return this.taken < this.options.limit && !this.options.budget.exceeded;
  }
}
