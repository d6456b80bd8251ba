import { describe, expect, it } from 'vitest';
import { ByteBudget } from '../../../lib/limits/byte-budget.js';

describe('ByteBudget', () => {
  it('is exceeded above its limit, not at it', () => {
    const budget = new ByteBudget(100);
    budget.charge(100);
    expect(budget.exceeded).toBe(false);
    budget.charge(1);
    expect(budget.exceeded).toBe(true);
    budget.release(1);
    expect(budget.exceeded).toBe(false);
  });

  it('keeps the most that was ever held', () => {
    const budget = new ByteBudget(100);
    budget.charge(60);
    budget.charge(60);
    budget.release(110);
    budget.charge(20);
    expect([budget.used, budget.peak, budget.limit]).toEqual([30, 120, 100]);
  });
});
