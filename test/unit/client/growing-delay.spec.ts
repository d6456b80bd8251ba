import { describe, expect, it } from 'vitest';
import { growingDelay } from '../../../lib/client/growing-delay.js';

const BOUNDS = { minDelay: 100, maxDelay: 1_000 };

describe('growingDelay', () => {
  it('doubles with each failure, up to the longest delay', () => {
    expect([0, 1, 2, 3, 4, 5].map(failures => growingDelay(BOUNDS, failures, () => 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
  });

  it('is shortened by up to half at random', () => {
    expect([0, 0.5, 1].map(random => growingDelay(BOUNDS, 1, () => random))).toEqual([100, 150, 200]);
  });

  it('stays a number after any number of failures', () => {
    expect(growingDelay(BOUNDS, 1e9, () => 1)).toBe(1_000);
  });
});
