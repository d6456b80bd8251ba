import type { ByteBudget } from '../limits/byte-budget.js';
import type { PeerUsage } from '../limits/peer-usage.js';
import { systemClock, type Clock } from '../limits/clock.js';

/** `hold` is `wait` for one peer alone: there is room for others. */
export type Admission = 'admitted' | 'wait' | 'hold' | 'refused';

/** Whose work is to start. */
export interface Applicant {
  readonly usage: PeerUsage;
  /** Addresses that have connections, its own among them. */
  readonly addresses: number;
}

/** Part of the places that is left to addresses which use few. */
const RESERVED_PART = 1 / 8;

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
  private places: Pick<SlotsOptions, 'limit' | 'stallTimeout'>;

  constructor(private readonly options: SlotsOptions) {
    this.clock = options.clock ?? systemClock;
    this.places = options;
  }

  /** Other places from now on. */
  adjust(places: Pick<SlotsOptions, 'limit' | 'stallTimeout'>): void {
    this.places = places;
    this.restart();
  }

  get used(): number {
    return this.taken;
  }

  /** Whether work may start now. Asking while there is no room starts the wait for it. */
  admit(applicant?: Applicant): Admission {
    const hasRoom = this.hasRoom();
    if (hasRoom && (applicant === undefined || this.isFor(applicant))) {
      this.settle();
      return 'admitted';
    }
    if (this.refusing) {
      return 'refused';
    }
    this.waiting = true;
    this.startTimer();
    return hasRoom ? 'hold' : 'wait';
  }

  take(usage?: PeerUsage): void {
    this.taken++;
    if (usage !== undefined) {
      usage.running++;
    }
  }

  /** A handler has finished. */
  release(usage?: PeerUsage): void {
    this.taken--;
    if (usage !== undefined) {
      usage.running--;
    }
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
      this.stopTimer = this.clock.after(this.places.stallTimeout, () => {
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

  /** The last places are for those who use few. */
  private isFor({ usage, addresses }: Applicant): boolean {
    const { limit } = this.places;
    const reserved = Math.floor(limit * RESERVED_PART);
    return addresses <= 1 || this.taken < limit - reserved || usage.running < Math.max(1, reserved / addresses);
  }

  private hasRoom(): boolean {
    return this.taken < this.places.limit && !this.options.budget.exceeded;
  }
}
