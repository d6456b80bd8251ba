import { describe, expect, it } from 'vitest';
import { Address } from '../../../lib/gate/addresses.js';
import { HandshakeQueue } from '../../../lib/gate/handshake-queue.js';
import { FakeClock } from '../../support/fake-clock.js';
import { resolveGate } from '../../support/gate.js';

/** A queue whose handshakes are logged by the address that begins them. */
function setUp({ rate = 100 } = {}) {
  const clock = new FakeClock();
  const now = () => clock.now();
  const limits = { rate };
  const queue = new HandshakeQueue({ clock, now, rate: () => limits.rate });
  const log: string[] = [];
  const addressOf = (key: string) => new Address(key, resolveGate(), now());
  const add = (address: Address, count = 1) =>
    Array.from({ length: count }, () => queue.add(address, () => log.push(address.key)));
  return { clock, limits, queue, log, addressOf, add };
}

describe('the queue for handshakes', () => {
  it('lets a quarter of a second’s worth begin at once, and the rest at the rate', () => {
    const { clock, queue, log, addressOf, add } = setUp({ rate: 100 });
    add(addressOf('a'), 100);
    expect([log.length, queue.size]).toEqual([25, 75]);
    clock.advance(500);
    expect(log.length).toBeGreaterThanOrEqual(73);
    expect(log.length).toBeLessThanOrEqual(76);
    clock.advance(500);
    expect([log.length, queue.size, clock.pending]).toEqual([100, 0, 0]);
  });

  it('lets one begin even where the rate is least', () => {
    const { clock, log, addressOf, add } = setUp({ rate: 1 });
    add(addressOf('a'), 2);
    expect(log).toHaveLength(1);
    clock.advance(999);
    expect(log).toHaveLength(1);
    clock.advance(2);
    expect(log).toHaveLength(2);
  });

  it('takes the address next that has had fewest lately, however many another one has waiting', () => {
    const { clock, log, addressOf, add } = setUp({ rate: 40 });
    add(addressOf('greedy'), 50);
    const atOnce = log.length;
    add(addressOf('late'), 2);
    clock.advance(100);
    expect(atOnce).toBe(10);
    expect(log.slice(atOnce, atOnce + 3)).toEqual(['late', 'late', 'greedy']);
  });

  it('lets nobody pass those that wait', () => {
    const { clock, log, addressOf, add } = setUp({ rate: 1 });
    add(addressOf('first'));
    add(addressOf('second'));
    clock.holdUp(0);
    add(addressOf('third'));
    expect(log).toEqual(['first']);
    clock.advance(2_100);
    expect(log).toEqual(['first', 'second', 'third']);
  });

  it('forgets whoever gives up, and has no timer for an empty queue', () => {
    const { clock, queue, log, addressOf, add } = setUp({ rate: 1 });
    const [, leave, leaveToo] = add(addressOf('a'), 3);
    leave?.();
    leaveToo?.();
    expect(queue.size).toBe(0);
    clock.advance(10_000);
    expect([log.length, clock.pending]).toEqual([1, 0]);
  });

  it('does nothing more for whoever has begun and leaves then', () => {
    const { clock, queue, log, addressOf, add } = setUp({ rate: 1 });
    const [leave] = add(addressOf('a'), 2);
    leave?.();
    expect(queue.size).toBe(1);
    clock.advance(1_100);
    expect(log).toHaveLength(2);
  });

  it('takes a place in the queue again from within a start', () => {
    const { clock, queue, log, addressOf } = setUp({ rate: 1 });
    const address = addressOf('a');
    queue.add(address, () => queue.add(address, () => log.push('inner')));
    expect([log, queue.size]).toEqual([[], 1]);
    clock.advance(1_100);
    expect(log).toEqual(['inner']);
  });

  it('goes on at another rate from the moment that it is told', () => {
    const { clock, limits, queue, log, addressOf, add } = setUp({ rate: 1 });
    add(addressOf('a'), 11);
    limits.rate = 1_000;
    queue.adjust();
    // The timer of before is waited for.
    clock.advance(1_001);
    expect([log.length, queue.size]).toEqual([11, 0]);
  });

  it('starts nobody once it is closed', () => {
    const { clock, queue, log, addressOf, add } = setUp({ rate: 1 });
    add(addressOf('a'), 5);
    queue.close();
    clock.advance(60_000);
    expect([log.length, queue.size, clock.pending]).toEqual([1, 0, 0]);
  });
});
