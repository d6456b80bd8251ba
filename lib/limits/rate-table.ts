import { GenerationMap } from './generation-map.js';

/** So much in any `durationMs`, all of it at once if it was saved up. At least one of `points` and `bytes` is set. */
export interface RateRule {
  /** Messages, at least 1. */
  readonly points: number | undefined;
  /** At least 1. */
  readonly bytes: number | undefined;
  /** Milliseconds in which all points and bytes come back, above 0. */
  readonly durationMs: number;
}

/** What a key has used of its burst when it was last looked at: 0 for nothing, 1 for all, more for a debt. */
interface Usage {
  points: number;
  bytes: number;
  at: number;
}

/** Sums of fractions such as 1/49 are not exact, and the last message of a burst must not be lost to that. */
const TOLERANCE = 1e-9;

/**
 * A token bucket for messages and one for bytes of every key, in bounded memory and without a timer: whoever was idle
 * longest is forgotten first, see {@link GenerationMap}, and then has a full burst again. Nobody else's state is lost as
 * long as no more than `maxKeys / 2` keys are in use within the time that a burst takes to come back.
 */
export class RateTable {
  private readonly usages: GenerationMap<Usage>;
  private given: RateRule;
  private applied: RateRule;
  private costOfMessage = 0;
  private costOfByte = 0;
  // Time is counted in durations of the rule, so that another rule leaves what each key has used in proportion.
  private ratePerMs = 0;
  private elapsedAtOrigin = 0;
  private origin: number;

  /** @param options - `maxKeys` is at least 2, `now` in milliseconds from any origin, the same as in `consume()`. */
  constructor(options: { readonly rule: RateRule; readonly maxKeys: number; readonly now: number }) {
    this.usages = new GenerationMap(options.maxKeys);
    this.given = options.rule;
    this.applied = options.rule;
    this.origin = options.now;
    this.apply(options.rule, options.now);
  }

  /** Another rule is in force from the next message on; the part of its burst that a key has used stays the same. */
  get rule(): RateRule {
    return this.given;
  }

  set rule(rule: RateRule) {
    this.given = rule;
  }

  /** Another bound for keys from now on. */
  set maxKeys(maxKeys: number) {
    this.usages.maxKeys = maxKeys;
  }

  /** Keys in memory. */
  get size(): number {
    return this.usages.size;
  }

  /**
   * Charges one message of so many bytes and returns 0, or charges nothing and returns the milliseconds (whole, at least
   * 1) after which it may be tried again. A message larger than the whole byte burst passes when nothing of that is used,
   * and leaves a debt.
   */
  consume(key: string, bytes: number, now: number): number {
    if (this.given !== this.applied) {
      this.apply(this.given, now);
    }
    const elapsed = this.elapsedAt(now);
    const byteCost = this.costOfByte * bytes;
    const usage = this.usages.get(key);
    if (usage === undefined) {
      this.usages.set(key, { points: this.costOfMessage, bytes: byteCost, at: elapsed });
      return 0;
    }
    // A clock that goes back gives nothing, and takes nothing.
    const refill = Math.max(0, elapsed - usage.at);
    const points = Math.max(0, usage.points - refill) + this.costOfMessage;
    const usedBytes = Math.max(0, usage.bytes - refill);
    const excess = Math.max(points, usedBytes + Math.min(1, byteCost)) - 1;
    if (excess > TOLERANCE) {
      // Half of the tolerance stays in hand, so that the time told is not too short by a rounding.
      return Math.max(1, Math.ceil((excess - TOLERANCE / 2) / this.ratePerMs));
    }
    usage.points = points;
    usage.bytes = usedBytes + byteCost;
    usage.at += refill;
    return 0;
  }

  /** Forgets all keys. */
  clear(): void {
    this.usages.clear();
  }

  private apply(rule: RateRule, now: number): void {
    this.elapsedAtOrigin = this.elapsedAt(now);
    this.origin = now;
    this.applied = rule;
    this.costOfMessage = rule.points === undefined ? 0 : 1 / rule.points;
    this.costOfByte = rule.bytes === undefined ? 0 : 1 / rule.bytes;
    this.ratePerMs = 1 / rule.durationMs;
  }

  private elapsedAt(now: number): number {
    return this.elapsedAtOrigin + (now - this.origin) * this.ratePerMs;
  }
}
