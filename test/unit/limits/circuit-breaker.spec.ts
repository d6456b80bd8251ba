import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../lib/limits/circuit-breaker.js';

/** When trials are let through, if every one of them fails at once. */
function trialTimes(breaker: CircuitBreaker, from: number, until: number): number[] {
  const times: number[] = [];
  for (let now = from; now <= until; now += 100) {
    if (breaker.claimTrial(now)) {
      times.push(now - from);
      breaker.fail(now);
    }
  }
  return times;
}

describe('CircuitBreaker', () => {
  it('needs no trial while nothing has failed', () => {
    const breaker = new CircuitBreaker();
    expect([breaker.isOpen, breaker.claimTrial(0), breaker.succeed(0)]).toEqual([false, false, false]);
  });

  it('lets one try after a second, then after pauses that grow to ten seconds', () => {
    const breaker = new CircuitBreaker();
    breaker.fail(0);
    expect(trialTimes(breaker, 0, 46_000)).toEqual([1_000, 3_000, 7_000, 15_000, 25_000, 35_000, 45_000]);
  });

  it('lets one alone try after each pause', () => {
    const breaker = new CircuitBreaker();
    breaker.fail(0);
    expect([breaker.claimTrial(999), breaker.claimTrial(1_000), breaker.claimTrial(1_001)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('lets another try when nothing comes of a trial', () => {
    const breaker = new CircuitBreaker();
    breaker.fail(0);
    expect([breaker.claimTrial(1_000), breaker.claimTrial(2_000)]).toEqual([true, true]);
  });

  it('tells a change once', () => {
    const breaker = new CircuitBreaker();
    expect([breaker.fail(0), breaker.fail(1), breaker.fail(2)]).toEqual([true, false, false]);
    expect([breaker.succeed(3), breaker.succeed(4)]).toEqual([true, false]);
    expect(breaker.isOpen).toBe(false);
  });

  it('goes on with longer pauses after a relapse, and begins anew after ten good seconds', () => {
    const breaker = new CircuitBreaker();
    breaker.fail(0);
    breaker.succeed(1_000);
    breaker.fail(5_000);
    expect(trialTimes(breaker, 5_000, 10_000)).toEqual([2_000]);
    breaker.succeed(10_000);
    breaker.fail(20_000);
    expect(trialTimes(breaker, 20_000, 22_000)).toEqual([1_000]);
  });
});
