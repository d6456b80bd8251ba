import { describe, expect, it } from 'vitest';
import { ByteBudget } from '../../../lib/limits/byte-budget.js';
import { Slots } from '../../../lib/server/slots.js';
import { FakeClock } from '../../support/fake-clock.js';

function setUp(limit = 2) {
  const clock = new FakeClock();
  const budget = new ByteBudget(100);
  let changes = 0;
  const slots = new Slots({ limit, stallTimeout: 1_000, budget, clock, onChange: () => changes++ });
  const fill = () => {
    while (slots.used < limit) {
      slots.take();
    }
  };
  return { clock, budget, slots, fill, changes: () => changes };
}

describe('Slots', () => {
  it('admit work up to the limit, then let it wait until a handler finishes', () => {
    const { slots, changes, clock } = setUp();
    expect(slots.admit()).toBe('admitted');
    slots.take();
    slots.take();
    expect(slots.admit()).toBe('wait');
    expect([slots.used, changes(), clock.pending]).toEqual([2, 0, 1]);
    slots.release();
    expect([slots.admit(), changes(), clock.pending]).toEqual(['admitted', 1, 0]);
  });

  it('let work wait while the memory budget is exceeded', () => {
    const { slots, budget, changes } = setUp();
    budget.charge(101);
    expect(slots.admit()).toBe('wait');
    slots.progress();
    expect(changes()).toBe(0);
    budget.release(1);
    slots.progress();
    expect([slots.admit(), changes()]).toEqual(['admitted', 1]);
  });

  it('tell nobody of room that nobody waits for', () => {
    const { slots, fill, changes } = setUp();
    fill();
    slots.release();
    slots.progress();
    expect(changes()).toBe(0);
  });

  it('refuse instead of waiting once nothing has finished for the stall timeout, until something does', () => {
    const { slots, fill, clock, changes } = setUp();
    fill();
    expect(slots.admit()).toBe('wait');
    clock.advance(999);
    expect([slots.admit(), changes()]).toEqual(['wait', 0]);
    clock.advance(1);
    expect([slots.admit(), changes()]).toEqual(['refused', 1]);
    slots.release();
    expect([slots.admit(), changes()]).toEqual(['admitted', 2]);
    slots.take();
    expect(slots.admit()).toBe('wait');
  });

  it('wait anew after each handler that finishes without making room', () => {
    const { slots, budget, fill, clock, changes } = setUp();
    fill();
    budget.charge(200);
    slots.admit();
    clock.advance(900);
    slots.release();
    clock.advance(900);
    expect([slots.admit(), changes()]).toEqual(['wait', 0]);
    clock.advance(100);
    expect(slots.admit()).toBe('refused');
  });

  it('refuse in spite of replies that leave while handlers hold all places', () => {
    const { slots, budget, fill, clock, changes } = setUp();
    fill();
    slots.admit();
    for (let elapsed = 0; elapsed < 1_000; elapsed += 100) {
      budget.charge(10);
      budget.release(10);
      slots.progress();
      clock.advance(100);
    }
    expect([slots.admit(), changes()]).toEqual(['refused', 1]);
  });

  it('go on waiting for memory as long as it gets less, and no longer', () => {
    const { slots, budget, clock, changes } = setUp();
    budget.charge(1_000);
    slots.admit();
    for (let elapsed = 0; elapsed < 2_000; elapsed += 500) {
      budget.release(100);
      slots.progress();
      clock.advance(500);
    }
    expect([slots.admit(), changes()]).toEqual(['wait', 0]);
    for (let elapsed = 0; elapsed < 1_000; elapsed += 500) {
      budget.charge(5);
      budget.release(5);
      slots.progress();
      clock.advance(500);
    }
    expect([slots.admit(), changes()]).toEqual(['refused', 1]);
  });

  it('wait again, and not refuse, when they are full anew after a stall that has ended unnoticed', () => {
    const { slots, budget, fill, clock } = setUp();
    budget.charge(200);
    slots.admit();
    clock.advance(1_000);
    expect(slots.admit()).toBe('refused');
    budget.release(200);
    expect(slots.admit()).toBe('admitted');
    fill();
    expect(slots.admit()).toBe('wait');
  });

  it('leave no timer behind when they close', () => {
    const { slots, fill, clock, changes } = setUp();
    fill();
    slots.admit();
    slots.close();
    slots.release();
    clock.advance(10_000);
    expect([clock.pending, changes()]).toEqual([0, 0]);
  });
});
