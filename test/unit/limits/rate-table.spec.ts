import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateTable, type RateRule } from '../../../lib/limits/rate-table.js';

const HOUR = 3_600_000;

function rule(given: Partial<RateRule>): RateRule {
  return { points: undefined, bytes: undefined, durationMs: 1_000, ...given };
}

function createTable(given: Partial<RateRule>, maxKeys = 100): RateTable {
  return new RateTable({ rule: rule(given), maxKeys, now: 0 });
}

/** How many messages pass at once. */
function burst(table: RateTable, key: string, now: number, bytes = 1): number {
  for (let count = 0; ; count++) {
    if (table.consume(key, bytes, now) > 0) {
      return count;
    }
  }
}

/** One bucket in whole numbers: a message costs `durationMs`, and each millisecond brings `limit`. */
class ExactBucket {
  private used = 0;
  private at = 0;

  constructor(
    private readonly limit: number,
    private readonly durationMs: number,
  ) {}

  waitFor(amount: number, now: number): number {
    this.used = Math.max(0, this.used - (now - this.at) * this.limit);
    this.at = now;
    const excess = this.used + (Math.min(amount, this.limit) - this.limit) * this.durationMs;
    return Math.max(0, Math.ceil(excess / this.limit));
  }

  take(amount: number): void {
    this.used += amount * this.durationMs;
  }
}

class ExactTable {
  private readonly buckets = new Map<string, { points: ExactBucket; bytes: ExactBucket }>();

  constructor(private readonly rule: { points: number; bytes: number; durationMs: number }) {}

  consume(key: string, size: number, now: number): number {
    const { points, bytes, durationMs } = this.rule;
    const buckets = this.buckets.get(key) ?? {
      points: new ExactBucket(points, durationMs),
      bytes: new ExactBucket(bytes, durationMs),
    };
    this.buckets.set(key, buckets);
    const wait = Math.max(buckets.points.waitFor(1, now), buckets.bytes.waitFor(size, now));
    if (wait === 0) {
      buckets.points.take(1);
      buckets.bytes.take(size);
    }
    return wait;
  }
}

const rules = fc.record({
  points: fc.integer({ min: 1, max: 100 }),
  bytes: fc.integer({ min: 1, max: 1_000 }),
  durationMs: fc.integer({ min: 1, max: 10_000 }),
});

/** How far the messages that follow the first, up to any of them, are beyond what the limits allow in that time. */
function mostExcess(
  admitted: readonly { now: number; bytes: number }[],
  limits: { points: number; bytes: number; durationMs: number },
): number {
  let most = 0;
  let bytes = 0;
  let largest = limits.bytes;
  admitted.forEach((last, more) => {
    const durations = (last.now - admitted[0]!.now) / limits.durationMs;
    bytes += last.bytes;
    // One that is larger than the whole limit passes, too.
    largest = Math.max(largest, last.bytes);
    most = Math.max(most, more + 1 - limits.points * (1 + durations), bytes - largest - limits.bytes * durations);
  });
  return most;
}

const message = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  bytes: fc.oneof(fc.nat(50), fc.nat(3_000)),
  ms: fc.oneof(fc.constant(0), fc.nat(20), fc.nat(5_000)),
});

const messages = fc.array(message, { size: 'large' });

describe('RateTable', () => {
  it('gives its burst at once, then its rate', () => {
    const table = createTable({ points: 10 });
    expect(burst(table, 'a', 0)).toBe(10);
    expect(table.consume('a', 1, 0)).toBe(100);
    expect(table.consume('a', 1, 99)).toBe(1);
    expect(table.consume('a', 1, 100)).toBe(0);
    expect(burst(table, 'a', 650)).toBe(5);
    expect(burst(table, 'a', HOUR)).toBe(10);
  });

  it.each([1, 3, 7, 49, 97, 1_000, 99_991])(
    'lets exactly %d messages through at once where that is the limit',
    points => {
      expect(burst(createTable({ points }), 'a', 0)).toBe(points);
    },
  );

  it('counts every key for itself', () => {
    const table = createTable({ points: 3 });
    expect(['a', 'b', 'a'].map(key => burst(table, key, 0))).toEqual([3, 3, 0]);
  });

  it('charges nothing for what it refuses', () => {
    const table = createTable({ points: 100, bytes: 1_000 });
    table.consume('a', 900, 0);
    expect(burst(table, 'a', 0, 200)).toBe(0);
    expect(burst(table, 'a', 0, 10)).toBe(10);
    expect(table.consume('a', 0, 0)).toBe(0);
  });

  it('lets a message that is larger than the whole limit through when nothing is used, and makes up for it', () => {
    const table = createTable({ bytes: 100 });
    table.consume('a', 1, 0);
    expect(table.consume('a', 1_000, 0)).toBe(10);
    expect(table.consume('a', 1_000, 10)).toBe(0);
    expect(table.consume('a', 1, 10)).toBe(9_010);
    expect(table.consume('a', 1, 9_020)).toBe(0);
  });

  it('is not confused by a clock that stands or goes back', () => {
    const table = createTable({ points: 2 });
    burst(table, 'a', 10_000);
    expect(table.consume('a', 1, 5_000)).toBe(500);
    expect(burst(table, 'a', 10_500)).toBe(1);
  });

  it('decides like exact buckets without bound, as long as half of its keys suffice', () => {
    fc.assert(
      fc.property(rules, messages, (limits, all) => {
        const table = createTable(limits, 8);
        const model = new ExactTable(limits);
        let now = 0;
        const waits = all.map(({ key, bytes, ms }) => {
          now += ms;
          return [table.consume(key, bytes, now), model.consume(key, bytes, now)];
        });
        expect(waits.map(([wait]) => wait)).toEqual(waits.map(([, wait]) => wait));
      }),
    );
  });

  it('lets a message through after the time that it told, and not a millisecond earlier', () => {
    fc.assert(
      fc.property(rules, fc.nat(3_000), messages, (limits, size, all) => {
        const table = createTable(limits, 8);
        let now = 0;
        for (const { bytes, ms } of all) {
          now += ms;
          table.consume('a', bytes, now);
        }
        const wait = table.consume('a', size, now);
        fc.pre(wait > 0);
        expect(table.consume('a', size, now + wait - 1)).toBe(1);
        expect(table.consume('a', size, now + wait)).toBe(0);
      }),
    );
  });

  it('never lets more through in any time than the burst and the rate times that time', () => {
    fc.assert(
      fc.property(rules, fc.array(message, { minLength: 20, maxLength: 100 }), (limits, all) => {
        const table = createTable(limits, 8);
        let now = 0;
        const admitted: { now: number; bytes: number }[] = [];
        for (const { bytes, ms } of all) {
          now += ms;
          if (table.consume('a', bytes, now) === 0) {
            admitted.push({ now, bytes });
          }
        }
        const excess = admitted.map((_, from) => mostExcess(admitted.slice(from), limits));
        expect(Math.max(0, ...excess)).toBeLessThan(1e-5);
      }),
    );
  });

  it('never remembers more keys than it may', () => {
    const table = createTable({ points: 5 }, 1_000);
    let most = 0;
    for (let index = 0; index < 1_000_000; index++) {
      table.consume(`key-${index}`, 1, index / 1_000);
      most = Math.max(most, table.size);
    }
    expect(most).toBe(1_000);
    table.clear();
    expect(table.size).toBe(0);
  });

  it('does not forget a key that keeps coming, however many others there are', () => {
    const table = createTable({ points: 5, durationMs: HOUR }, 100);
    burst(table, 'busy', 0);
    let admitted = 0;
    for (let index = 0; index < 10_000; index++) {
      table.consume(`key-${index}`, 1, 0);
      admitted += index % 50 === 0 ? burst(table, 'busy', 0) : 0;
    }
    expect(admitted).toBe(0);
  });

  it('leaves what a key has used in proportion when the limit changes', () => {
    const table = createTable({ points: 10 });
    table.consume('idle', 1, 0);
    burst(table, 'a', 0);
    table.rule = rule({ points: 1_000 });
    expect(table.rule.points).toBe(1_000);
    expect(burst(table, 'a', 500)).toBe(500);
    table.rule = rule({ points: 20, durationMs: HOUR });
    expect(table.consume('a', 1, 500)).toBe(HOUR / 20);
    expect([burst(table, 'idle', 500), burst(table, 'new', 500)]).toEqual([20, 20]);
  });

  it('does not keep anybody waiting by a duration that is no longer in force', () => {
    const table = createTable({ points: 10, durationMs: HOUR });
    burst(table, 'a', 0);
    table.rule = rule({ points: 10, durationMs: 100 });
    expect(table.consume('a', 1, 0)).toBe(10);
    expect(burst(table, 'a', 100)).toBe(10);
  });

  it('counts bytes from the moment a rule limits them', () => {
    const table = createTable({ points: 10 });
    burst(table, 'a', 0, 1_000_000);
    table.rule = rule({ bytes: 100 });
    expect(burst(table, 'a', 0, 20)).toBe(5);
  });
});
