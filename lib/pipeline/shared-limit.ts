import { GenerationMap } from '../limits/generation-map.js';
import { RateTable, type RateRule } from '../limits/rate-table.js';
import { ADMITTED, type CounterFactory, type SharedCounter, type StoreAnswer } from './shared-counter.js';

const MAX_BLOCKED_MS = 86_400_000;

/** A limit that several processes count together. */
export interface SharedRule extends RateRule {
  /** Part of the key in the store: limits of one name and duration count together, in all processes. */
  readonly name: string;
}

export interface SharedLimitOptions {
  readonly rule: SharedRule;
  readonly keyPrefix: string;
  readonly maxKeys: number;
  readonly createCounter: CounterFactory;
}

/** One rule: its counters in the store, what is known from their answers, and what counts while there is no store. */
export class SharedLimit {
  private readonly blockedUntil: GenerationMap<number>;
  private insurance: RateTable | undefined;
  private messages: SharedCounter | undefined;
  private bytes: SharedCounter | undefined;
  private current: SharedRule;

  constructor(private readonly options: SharedLimitOptions) {
    this.blockedUntil = new GenerationMap(options.maxKeys);
    this.current = options.rule;
    this.createCounters();
  }

  /** What was counted under another duration stays behind; what the insurance has counted is kept. */
  adopt(rule: SharedRule): void {
    if (rule === this.current) {
      return;
    }
    const { points, bytes, durationMs } = this.current;
    this.current = rule;
    if (rule.points === points && rule.bytes === bytes && rule.durationMs === durationMs) {
      return;
    }
    this.createCounters();
    this.blockedUntil.clear();
    if (this.insurance !== undefined) {
      this.insurance.rule = rule;
    }
  }

  blockedFor(key: string, now: number): number {
    const until = this.blockedUntil.get(key);
    if (until === undefined) {
      return 0;
    }
    if (until <= now) {
      this.blockedUntil.delete(key);
      return 0;
    }
    return Math.ceil(until - now);
  }

  remember(key: string, { blockedMs }: StoreAnswer, now: number): void {
    if (blockedMs > 0) {
      // Whatever a store says, it is asked again before a day is over.
      this.blockedUntil.set(key, now + Math.min(blockedMs, MAX_BLOCKED_MS));
    }
  }

  /**
   * One counter after the other, as both at once would count for a moment what one of them refuses, and so refuse others.
   * Bytes first: what they count of messages that are too many harms nobody, since all are refused then.
   */
  async ask(key: string, bytes: number): Promise<StoreAnswer> {
    const amount = Math.max(1, Math.ceil(bytes));
    const ofSize = this.bytes === undefined ? ADMITTED : await this.bytes.take(key, amount);
    if (this.messages === undefined || ofSize.waitMs > 0) {
      return ofSize;
    }
    const answer = await this.messages.take(key, 1);
    if (answer.waitMs > 0) {
      this.bytes?.giveBack(key, amount);
    }
    return answer;
  }

  /** Decides in this process alone, by the whole limit. */
  insure(key: string, bytes: number, now: number): number {
    this.insurance ??= new RateTable({ rule: this.current, maxKeys: this.options.maxKeys, now });
    return this.insurance.consume(key, bytes, now);
  }

  private createCounters(): void {
    const { points, bytes } = this.current;
    this.messages = points === undefined ? undefined : this.createCounter('messages', points);
    this.bytes = bytes === undefined ? undefined : this.createCounter('bytes', bytes);
  }

  private createCounter(unit: string, limit: number): SharedCounter {
    const { keyPrefix, createCounter } = this.options;
    const { name, durationMs } = this.current;
    // In a cluster what stands in braces would put the keys of all peers on one node.
    const safeName = name.replaceAll(/[{}%]/g, encodeURIComponent);
    // Under another duration the old window would go on: an hour, where it may be a second by now.
    return createCounter({ keyPrefix: `${keyPrefix}:${safeName}:${durationMs}:${unit}`, limit, durationMs });
  }
}
