import type { MessageHandler } from '@nestjs/microservices';
import type { ConcurrencyRule, ZmqPriority, ZmqSizeViolationPolicy } from '../pipeline/handler-rules.js';
import type { PeerAccess } from '../pipeline/peer-access.js';
import type { ZmqHandlerStats } from '../monitoring/server-counters.js';
import type { RateCounter } from './route-rates.js';

/** Limits of one handler, in force. */
export interface RouteLimits {
  /** Who may call; `undefined` for everybody. */
  readonly access: PeerAccess | undefined;
  readonly maxMessageSize: number;
  readonly onViolation: ZmqSizeViolationPolicy;
  readonly maxResponseSize: number;
  readonly rates: readonly RateCounter[];
  /** Whether a guard looks after the rates. */
  readonly isGuarded: boolean;
  /** Whether rates are counted across processes, for which the answer has to be waited for. */
  readonly isShared: boolean;
  readonly concurrency: ConcurrencyRule | undefined;
  readonly priority: ZmqPriority;
  /** Whether there are neither rates nor places to ask about. */
  readonly isPlain: boolean;
}

export const NO_ROUTE_LIMITS: RouteLimits = Object.freeze({
  access: undefined,
  maxMessageSize: Number.POSITIVE_INFINITY,
  onViolation: 'reject',
  maxResponseSize: Number.POSITIVE_INFINITY,
  rates: Object.freeze([]),
  isGuarded: false,
  isShared: false,
  concurrency: undefined,
  priority: 'normal',
  isPlain: true,
});

/** A pattern that has a handler, its limits, and what is under way for it. */
export class Route {
  limits: RouteLimits = NO_ROUTE_LIMITS;
  /** What has been refused, by reason. */
  readonly refused = { access: 0, size: 0, rate: 0, overload: 0 };
  private running = 0;
  private mostWaiting = 0;
  private isStarting = false;
  private readonly waiting = new Set<Waiting>();

  constructor(
    readonly pattern: string,
    readonly handler: MessageHandler,
  ) {}

  get stats(): ZmqHandlerStats {
    const { running, waiting, mostWaiting, refused } = this;
    return { running, waiting: waiting.size, mostWaiting, refused: { ...refused } };
  }

  /** Whether one more call would find neither a place nor room to wait for one. */
  get isFull(): boolean {
    const { concurrency } = this.limits;
    if (concurrency === undefined) {
      return false;
    }
    // Places that are free are spoken for by those who wait already.
    const free = Math.max(0, concurrency.limit - this.running);
    return this.waiting.size >= free + concurrency.queue;
  }

  /** Starts work now, or when there is a place for it; behind all that waits already. */
  enter(work: Waiting): void {
    if (this.waiting.size === 0 && this.hasPlace) {
      this.running++;
      work.start();
      return;
    }
    this.waiting.add(work);
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting.size);
  }

  /** Takes out what waits no longer; `false` if it did not wait. */
  withdraw(work: Waiting): boolean {
    return this.waiting.delete(work);
  }

  /** Work that had been started is over. */
  leave(): void {
    this.running--;
    if (this.waiting.size > 0 && !this.isStarting) {
      this.startWaiting();
    }
  }

  /** Drops what waits. */
  clear(): void {
    this.waiting.clear();
  }

  /** There may be places where there were none. */
  startWaiting(): void {
    // What fails at once leaves at once: the loop goes on then, and not one within another.
    this.isStarting = true;
    for (const work of this.waiting) {
      if (!this.hasPlace) {
        break;
      }
      this.waiting.delete(work);
      this.running++;
      work.start();
    }
    this.isStarting = false;
  }

  private get hasPlace(): boolean {
    const { concurrency } = this.limits;
    return concurrency === undefined || this.running < concurrency.limit;
  }
}

/** What waits for a place. */
export interface Waiting {
  start(): void;
}
