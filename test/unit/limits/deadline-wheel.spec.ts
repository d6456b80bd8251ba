import { describe, expect, it } from 'vitest';
import { DeadlineWheel, Expiring } from '../../../lib/limits/deadline-wheel.js';
import { FakeClock } from '../../support/fake-clock.js';

const TICK = 10;
const TURN = 512 * TICK;

class Item extends Expiring {
  expiredAt: number | undefined = undefined;

  constructor(
    private readonly clock: FakeClock,
    private readonly onExpire: () => void = () => undefined,
  ) {
    super();
  }

  override expire(): void {
    this.expiredAt = this.clock.now();
    this.onExpire();
  }
}

function setUp(start = 1_003) {
  const clock = new FakeClock(start);
  const wheel = new DeadlineWheel(clock);
  return { clock, wheel, item: (onExpire?: () => void) => new Item(clock, onExpire) };
}

describe('DeadlineWheel', () => {
  it('lets those that are due together expire in the order in which they came', () => {
    const { clock, wheel, item } = setUp();
    const order: number[] = [];
    for (const number of [1, 2, 3]) {
      wheel.add(
        item(() => order.push(number)),
        50,
      );
    }
    clock.advance(100);
    expect(order).toEqual([1, 2, 3]);
  });

  it.each([0.001, 1, 9, 10, 11, 250, TURN - 1, TURN, TURN + 1, 3 * TURN + 7, 86_400_000])(
    'lets an item expire in %d ms, never early and at most two ticks late',
    ms => {
      const { clock, wheel, item } = setUp();
      const one = item();
      const due = clock.now() + ms;
      wheel.add(one, ms);
      if (ms > 2 * TURN) {
        // Far deadlines need no walk through every tick of the way.
        clock.holdUp(ms - TURN);
      }
      clock.advance(TURN + 2 * TICK);
      expect(one.expiredAt).toBeGreaterThanOrEqual(due);
      expect(one.expiredAt).toBeLessThanOrEqual(due + 2 * TICK);
      expect(wheel.size).toBe(0);
    },
  );

  it.each([0, -5, -TURN])('lets an item with %d ms left expire at the next tick', ms => {
    for (const start of [1_000, 1_003]) {
      const { clock, wheel, item } = setUp(start);
      const one = item();
      wheel.add(one, ms);
      clock.advance(2 * TICK);
      expect(one.expiredAt).toBeDefined();
    }
  });

  it('runs one timer while it holds anything, and none otherwise', () => {
    const { clock, wheel, item } = setUp();
    expect(clock.pending).toBe(0);
    const [one, two] = [item(), item()];
    wheel.add(one, 100);
    wheel.add(two, 300);
    expect(clock.pending).toBe(1);
    clock.advance(400);
    expect([one.expiredAt, two.expiredAt].every(at => at !== undefined)).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('forgets a removed item, and removing it again changes nothing', () => {
    const { clock, wheel, item } = setUp();
    const [one, two] = [item(), item()];
    wheel.add(one, 50);
    wheel.add(two, 50);
    wheel.remove(one);
    wheel.remove(one);
    wheel.remove(item());
    expect(wheel.size).toBe(1);
    clock.advance(100);
    expect([one.expiredAt, two.expiredAt === undefined]).toEqual([undefined, false]);
  });

  it('gives an item that is added again its new deadline only', () => {
    const { clock, wheel, item } = setUp();
    const one = item();
    wheel.add(one, 50);
    wheel.add(one, 500);
    expect(wheel.size).toBe(1);
    clock.advance(490);
    expect(one.expiredAt).toBeUndefined();
    clock.advance(40);
    expect(one.expiredAt).toBeDefined();
  });

  it('lets an item that is given a new deadline while others expire live until then', () => {
    const { clock, wheel, item } = setUp();
    const renewed = [item(), item()];
    // Whichever of the two comes first in the slot, the one that is renewed meanwhile must not expire with it.
    const first = item(() => renewed.forEach(other => wheel.add(other, 5_000)));
    wheel.add(renewed[0]!, 20);
    wheel.add(first, 20);
    wheel.add(renewed[1]!, 20);
    clock.advance(60);
    const early = renewed.filter(({ expiredAt }) => expiredAt !== undefined && expiredAt > first.expiredAt!);
    expect(early).toEqual([]);
    const renewedAt = first.expiredAt!;
    clock.advance(6_000);
    expect(renewed.every(({ expiredAt }) => expiredAt! >= renewedAt + 5_000)).toBe(true);
  });

  it('does not expire an item that an earlier one of the same tick has removed', () => {
    const { clock, wheel, item } = setUp();
    const items: Item[] = [];
    const removeOthers = (self: number) => items.forEach((other, index) => index !== self && wheel.remove(other));
    for (let index = 0; index < 3; index++) {
      items.push(item(() => removeOthers(index)));
    }
    items.forEach(one => wheel.add(one, 20));
    clock.advance(60);
    expect(items.filter(({ expiredAt }) => expiredAt !== undefined)).toHaveLength(1);
    expect(wheel.size).toBe(0);
  });

  it('lets an item start again from its own expiry', () => {
    const { clock, wheel, item } = setUp();
    const times: number[] = [];
    const one: Item = item(() => {
      times.push(clock.now());
      wheel.add(one, 100);
    });
    wheel.add(one, 100);
    clock.advance(1_000);
    expect(times.length).toBeGreaterThanOrEqual(8);
    expect(times.every((time, index) => index === 0 || time - times[index - 1]! >= 100)).toBe(true);
  });

  it('expires everything that is due after a pause, and nothing else', () => {
    const { clock, wheel, item } = setUp();
    const due = [1, 100, TURN, 2 * TURN, 3 * TURN - 5].map(ms => {
      const one = item();
      wheel.add(one, ms);
      return one;
    });
    const later = item();
    wheel.add(later, 3 * TURN + 50);
    clock.holdUp(3 * TURN);
    expect(due.every(({ expiredAt }) => expiredAt === clock.now())).toBe(true);
    expect(later.expiredAt).toBeUndefined();
    clock.advance(100);
    expect(later.expiredAt).toBeDefined();
  });

  it('starts anew after it was empty for long', () => {
    const { clock, wheel, item } = setUp();
    wheel.add(item(), 10);
    clock.advance(100);
    clock.advance(10 * TURN + 3);
    const one = item();
    const due = clock.now() + 30;
    wheel.add(one, 30);
    clock.advance(60);
    expect(one.expiredAt! - due).toBeGreaterThanOrEqual(0);
    expect(one.expiredAt! - due).toBeLessThanOrEqual(2 * TICK);
  });

  it('clears all deadlines and its timer, and can be used again', () => {
    const { clock, wheel, item } = setUp();
    const items = [10, 500, 2 * TURN].map(ms => {
      const one = item();
      wheel.add(one, ms);
      return one;
    });
    wheel.clear();
    expect([wheel.size, clock.pending]).toEqual([0, 0]);
    clock.advance(3 * TURN);
    expect(items.every(({ expiredAt }) => expiredAt === undefined)).toBe(true);
    wheel.add(items[0]!, 10);
    clock.advance(40);
    expect(items[0]!.expiredAt).toBeDefined();
  });

  it('may be cleared while an item expires', () => {
    const { clock, wheel, item } = setUp();
    const items = [item(() => wheel.clear()), item(() => wheel.clear())];
    items.forEach(one => wheel.add(one, 20));
    clock.advance(TURN + 100);
    expect(items.filter(({ expiredAt }) => expiredAt !== undefined)).toHaveLength(1);
    expect([wheel.size, clock.pending]).toEqual([0, 0]);
  });
});
