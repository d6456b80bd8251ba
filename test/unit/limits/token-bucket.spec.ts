import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../lib/limits/token-bucket.js';

describe('TokenBucket', () => {
  it('gives its burst at once, then its rate', () => {
    const bucket = new TokenBucket(100, 5, 0);
    bucket.take(5, 0);
    expect(bucket.waitAt(0)).toBe(10);
    bucket.take(1, 10);
    expect(bucket.waitAt(10)).toBe(10);
  });

  it('makes whoever took more than there was wait for all of it', () => {
    const bucket = new TokenBucket(10, 10, 0);
    bucket.take(30, 0);
    expect(bucket.waitAt(0)).toBe(2_100);
    expect(bucket.waitAt(2_100)).toBe(0);
  });

  it('tells what has been taken and is not there again', () => {
    const bucket = new TokenBucket(10, 10, 0);
    bucket.take(4, 0);
    expect([bucket.usedAt(0), bucket.usedAt(100), bucket.usedAt(1_000)]).toEqual([4, 3, 0]);
  });

  it('saves up no more than its burst', () => {
    const bucket = new TokenBucket(1_000, 3, 0);
    bucket.take(3, 86_400_000);
    expect(bucket.waitAt(86_400_000)).toBeGreaterThan(0);
  });

  it('keeps to other limits from the moment they are given', () => {
    const bucket = new TokenBucket(1, 100, 0);
    bucket.adjust(1_000, 2, 0);
    bucket.take(2, 0);
    expect(bucket.waitAt(0)).toBe(1);
    bucket.adjust(1, 2, 0);
    expect(bucket.waitAt(0)).toBe(1_000);
  });

  it('is not confused by a clock that stands or goes back', () => {
    const bucket = new TokenBucket(1_000, 10, 1_000);
    bucket.take(10, 1_000);
    expect(bucket.waitAt(500)).toBe(1);
    expect(bucket.waitAt(1_001)).toBe(0);
  });

  it('never lets more through in any time than the burst, the rate times that time, and what is taken last', () => {
    const steps = fc.array(fc.record({ ms: fc.nat(500), amount: fc.integer({ min: 1, max: 20 }) }), { size: 'large' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 100 }), steps, (rate, burst, all) => {
        const bucket = new TokenBucket(rate, burst, 0);
        let now = 0;
        let taken = 0;
        const excess: number[] = [];
        for (const { ms, amount } of all) {
          now += ms;
          if (bucket.waitAt(now) === 0) {
            bucket.take(amount, now);
            taken += amount;
            excess.push(taken - (burst + (now / 1000) * rate + amount));
          }
        }
        expect(Math.max(0, ...excess)).toBeLessThan(1e-6);
      }),
    );
  });
});
