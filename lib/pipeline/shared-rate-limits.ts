import { CircuitBreaker } from '../limits/circuit-breaker.js';
import { systemClock, type Clock } from '../limits/clock.js';
import { DeadlineWheel, Expiring } from '../limits/deadline-wheel.js';
import { GenerationMap } from '../limits/generation-map.js';
import { resolveRateLimitStore, type ResolvedRateLimitStore, type ZmqRateLimitStore } from './rate-limit-store.js';
import { boundedKey, loadCounters, type CounterFactory, type StoreAnswer } from './shared-counter.js';
import { SharedLimit, type SharedRule } from './shared-limit.js';

export interface StoreHooks {
  /** The store failed or was late. Not called again before `onStoreBack`. Must not throw. */
  readonly onStoreAway: (error: Error) => void;
  /** The store has answered again, to a message that came after a pause. Must not throw. */
  readonly onStoreBack: () => void;
}

const MAX_RULES = 10_000;
/** Messages about which the store has not answered, in time or late; the insurance decides about those beyond. */
const MAX_UNANSWERED = 10_000;
/** Places for trials when all others are taken by what an absent store may never answer. */
const TRIAL_PLACES = 100;
/** When this process itself was held up, the answer may be there already, unread. */
const LAST_LOOK_MS = 20;

/**
 * Rates counted in Redis or Valkey, so that several processes share a limit. A store that is away delays no message for
 * longer than its timeout, and none at all once that is known: meanwhile each process keeps the whole limit by itself.
 * One message is tried on the store after each pause, a second at first and ten at the most.
 */
export class SharedRateLimits {
  private readonly limits = new GenerationMap<SharedLimit>(MAX_RULES);
  private readonly breaker = new CircuitBreaker();
  private readonly wheel: DeadlineWheel;
  private readonly waiting = new Set<Waiting>();
  private unanswered = 0;
  private closed = false;

  private constructor(
    private options: ResolvedRateLimitStore,
    private readonly hooks: StoreHooks,
    private maxKeys: number,
    private readonly createCounter: CounterFactory,
    private readonly clock: Clock,
  ) {
    this.wheel = new DeadlineWheel(clock);
  }

  /**
   * @param maxKeys - Keys of each rule that are remembered in this process, at least 2.
   * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option, or the package that is not installed
   */
  static async load(
    options: ZmqRateLimitStore,
    hooks: StoreHooks,
    maxKeys: number,
    clock: Clock = systemClock,
  ): Promise<SharedRateLimits> {
    const resolved = resolveRateLimitStore(options, 'store');
    return new SharedRateLimits(resolved, hooks, maxKeys, await loadCounters(resolved.redis), clock);
  }

  /** Milliseconds that one answer of the store may take. */
  get timeout(): number {
    return this.options.timeout;
  }

  /** Other bounds from now on; rules that are counted already keep the number of their keys. */
  adjust({ timeout, maxKeys }: { readonly timeout: number; readonly maxKeys: number }): void {
    this.options = { ...this.options, timeout };
    this.maxKeys = maxKeys;
  }

  /**
   * 0 for a message that was counted, or milliseconds (whole, at least 1) after which it may be tried again. Never rejects.
   * Rules of one name are one rule: the latest is in force.
   */
  async consume(rule: SharedRule, key: string, bytes: number): Promise<number> {
    const limit = this.limitOf(rule);
    const now = this.clock.now();
    const known = boundedKey(key);
    const blocked = limit.blockedFor(known, now);
    if (blocked > 0) {
      return blocked;
    }
    if (this.isStoreInUse()) {
      return this.decide(limit, known, bytes);
    }
    this.tryStore(limit, known, bytes, now);
    return limit.insure(known, bytes, now);
  }

  /** Milliseconds for which the key is known to be refused, from an earlier answer of the store; 0 if that is not known. */
  blockedFor(rule: SharedRule, key: string, now: number): number {
    return this.limitOf(rule).blockedFor(boundedKey(key), now);
  }

  /** Lets go of the client and of what waits for it. Whatever comes later is counted in this process. */
  close(): void {
    this.closed = true;
    this.abandon();
    this.limits.clear();
  }

  private limitOf(rule: SharedRule): SharedLimit {
    let limit = this.limits.get(rule.name);
    if (limit === undefined) {
      const { maxKeys, createCounter } = this;
      limit = new SharedLimit({ rule, keyPrefix: this.options.keyPrefix, maxKeys, createCounter });
      this.limits.set(rule.name, limit);
    }
    limit.adopt(rule);
    return limit;
  }

  private isStoreInUse(): boolean {
    return !this.closed && !this.breaker.isOpen && this.unanswered < MAX_UNANSWERED;
  }

  private async decide(limit: SharedLimit, key: string, bytes: number): Promise<number> {
    const answer = await this.inTime(limit.ask(key, bytes));
    const now = this.clock.now();
    if (answer === undefined) {
      return limit.insure(key, bytes, now);
    }
    limit.remember(key, answer, now);
    return answer.waitMs;
  }

  /** Counts a message, about which the insurance decides all the same, to see whether the store is back. */
  private tryStore(limit: SharedLimit, key: string, bytes: number, now: number): void {
    const hasRoom = this.unanswered < MAX_UNANSWERED + TRIAL_PLACES;
    if (!this.closed && hasRoom && this.breaker.claimTrial(now)) {
      void this.inTime(limit.ask(key, bytes));
    }
  }

  /** The answer, or `undefined` if there is none in time. */
  private inTime(asked: Promise<StoreAnswer>): Promise<StoreAnswer | undefined> {
    this.unanswered++;
    return new Promise(resolve => {
      const waiting = new Waiting(resolve, this.wheel, () => this.fail(lateness(this.options.timeout)));
      this.waiting.add(waiting);
      this.wheel.add(waiting, Math.max(0, this.options.timeout - LAST_LOOK_MS));
      asked.then(
        answer => {
          this.unanswered--;
          this.answered(waiting, answer);
        },
        (error: Error) => {
          this.unanswered--;
          if (this.waiting.has(waiting)) {
            this.fail(error);
          }
        },
      );
    });
  }

  private answered(waiting: Waiting, answer: StoreAnswer): void {
    // A late answer says nothing about how the store does now.
    if (!this.waiting.delete(waiting)) {
      return;
    }
    this.wheel.remove(waiting);
    waiting.resolve(answer);
    if (this.breaker.succeed(this.clock.now())) {
      this.hooks.onStoreBack();
    }
  }

  private fail(error: Error): void {
    this.abandon();
    if (this.breaker.fail(this.clock.now())) {
      this.hooks.onStoreAway(error);
    }
  }

  /** Nobody waits for the store any more. */
  private abandon(): void {
    this.wheel.clear();
    for (const { resolve } of this.waiting) {
      resolve(undefined);
    }
    this.waiting.clear();
  }
}

class Waiting extends Expiring {
  private wasLooked = false;

  constructor(
    readonly resolve: (answer: StoreAnswer | undefined) => void,
    private readonly wheel: DeadlineWheel,
    private readonly onLate: () => void,
  ) {
    super();
  }

  override expire(): void {
    if (this.wasLooked) {
      this.onLate();
    } else {
      this.wasLooked = true;
      this.wheel.add(this, LAST_LOOK_MS);
    }
  }
}

function lateness(timeout: number): Error {
  return new Error(`The rate limit store did not answer within ${timeout} ms.`);
}
