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
      return 'admitted';
    }
    if (this.refusing) {
      return 'refused';
    }
    this.waiting = true;
    this.stopTimer ??= this.clock.after(this.options.stallTimeout, () => {
      this.stopTimer = undefined;
      this.refusing = true;
      this.options.onChange();
    });
    return 'wait';
  }

  take(): void {
    this.taken++;
  }

  /** A handler has finished. */
  release(): void {
    this.taken--;
    this.progress();
  }

  /** Something that may make room has happened. */
  progress(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    if ((this.waiting || this.refusing) && this.hasRoom()) {
      this.waiting = false;
      this.refusing = false;
      this.options.onChange();
    } else if (this.waiting && !this.refusing) {
      this.admit();
    }
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.waiting = false;
  }

  private hasRoom(): boolean {
    return this.taken < this.options.limit && !this.options.budget.exceeded;
  }
}
