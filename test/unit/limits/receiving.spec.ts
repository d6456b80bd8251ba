import { describe, expect, it } from 'vitest';
import { AddressAccount } from '../../../lib/limits/address-account.js';
import type { Holder } from '../../../lib/limits/holder.js';
import { Receiving } from '../../../lib/limits/receiving.js';
import { FakeClock } from '../../support/fake-clock.js';

const KIBI = 1024;
const MEBI = KIBI * KIBI;
const FLOOR = 128 * KIBI;

function setUp({ receiving = 4 * MEBI, reserve = MEBI } = {}) {
  const clock = new FakeClock();
  const rules = new Receiving({ receiving, reserve, clock, afterReads: check => check() });
  const log: string[] = [];
  const holder = (
    name: string,
    address = new AddressAccount(),
  ): Holder & { isReading: boolean; isThrottled: boolean; lackingBytes: number } => ({
    address,
    receivingBytes: 0,
    lackingBytes: 0,
    hasLeave: false,
    claimed: 0,
    isBegun: false,
    startedAt: 0,
    markedAt: 0,
    markedBytes: 0,
    isReading: true,
    isThrottled: false,
    granted: () => log.push(`${name} granted`),
    evict: () => log.push(`${name} evicted`),
  });
  /** Takes all that is shared out and all leaves, by addresses that do not get on. */
  const fill = () => {
    for (let index = 0; index < 100 && rules.waiters === 0; index++) {
      rules.reserve(holder(`other ${index}`), 300 * KIBI);
    }
  };
  return { clock, rules, log, holder, fill };
}

describe('room for messages that are not complete', () => {
  it('is given to an address as far as it leaves others as much', () => {
    const { rules, holder } = setUp();
    const address = new AddressAccount();
    // 7/8 of 4 MB without the reserve of 1 MB: 2.5 MB.
    expect(rules.reserve(holder('a', address), MEBI)).toBe(true);
    expect(rules.reserve(holder('a', address), 512 * KIBI)).toBe(true);
    expect(address.hasLeave).toBe(false);
    expect(rules.reserve(holder('a', address), 512 * KIBI)).toBe(true);
    expect(address.hasLeave).toBe(true);
    expect(rules.reserve(holder('a', address), 512 * KIBI)).toBe(false);
    expect(rules.reserve(holder('b'), 512 * KIBI)).toBe(true);
  });

  it('is told at once to who asks while others wait, if it is the one to be served first', () => {
    const { rules, holder, fill, log } = setUp({ receiving: 4 * MEBI, reserve: 2 * MEBI });
    fill();
    const address = new AddressAccount();
    address.complete(0);
    expect(rules.waiters).toBeGreaterThan(0);
    expect(rules.reserve(holder('proven', address), 600 * KIBI)).toBe(true);
    expect(log).toEqual([]);
  });

  it('leaves half of the reserve to addresses that have completed messages', () => {
    const { rules, holder, fill } = setUp({ receiving: 4 * MEBI, reserve: 2 * MEBI });
    fill();
    const stranger = holder('stranger');
    expect(rules.reserve(stranger, 900 * KIBI)).toBe(false);
    const proven = holder('proven');
    proven.address.complete(0);
    expect(rules.reserve(proven, 900 * KIBI)).toBe(true);
  });

  it('shrinks for an address whose messages fail, and grows again with time', () => {
    const { rules, holder, clock } = setUp();
    const address = new AddressAccount();
    for (let index = 0; index < 7; index++) {
      address.fail(clock.now());
    }
    const first = holder('a', address);
    rules.reserve(first, 400 * KIBI);
    expect(first.hasLeave).toBe(true);
    rules.complete(first, 400 * KIBI);
    clock.advance(30_000);
    rules.reserve(first, 400 * KIBI);
    expect(first.hasLeave).toBe(false);
  });

  it('is never denied to a small message, however much others hold', () => {
    const { rules, holder, fill } = setUp();
    fill();
    expect(rules.reserve(holder('small'), FLOOR)).toBe(true);
  });

  it('goes to the address with the fewest failures first, then to one that has delivered, then to the one with least', () => {
    const { rules, log, holder, clock, fill } = setUp();
    const big = holder('big');
    rules.reserve(big, MEBI);
    fill();
    log.length = 0;
    const addresses = {
      failed: new AddressAccount(),
      busy: new AddressAccount(),
      new: new AddressAccount(),
      known: new AddressAccount(),
    };
    addresses.failed.fail(clock.now());
    addresses.known.complete(clock.now());
    // With a leave out, only half of the reserve is for strangers.
    const leave = holder('leave', addresses.known);
    rules.reserve(leave, 600 * KIBI);
    log.length = 0;
    rules.reserve(holder('small one of busy', addresses.busy), 1_000);
    for (const [name, address] of Object.entries(addresses)) {
      rules.reserve(holder(name, address), 300 * KIBI);
    }
    rules.complete(big, MEBI);
    const order = log.map(line => line.split(' ')[0]).filter(name => name !== 'other');
    expect(order).toEqual(['known', 'new', 'busy', 'failed'].slice(0, order.length));
    expect(order.length).toBeGreaterThan(1);
  });

  it('is given by one leave at a time to each address', () => {
    const { rules, holder, fill } = setUp();
    fill();
    const address = new AddressAccount();
    const [one, two] = [holder('one', address), holder('two', address)];
    rules.reserve(one, 200 * KIBI);
    rules.reserve(two, 200 * KIBI);
    expect([one.hasLeave, two.hasLeave].filter(Boolean).length).toBeLessThanOrEqual(1);
  });
});

describe('whoever holds room that others wait for', () => {
  it('is evicted once it has not got on for 150 ms', () => {
    const { clock, rules, log, holder, fill } = setUp();
    const idle = holder('idle');
    rules.reserve(idle, MEBI);
    idle.lackingBytes = MEBI;
    fill();
    clock.advance(149);
    expect(log).not.toContain('idle evicted');
    clock.advance(2);
    expect(log).toContain('idle evicted');
  });

  it('is left alone while nobody waits', () => {
    const { clock, rules, log, holder } = setUp();
    const idle = holder('idle');
    rules.reserve(idle, MEBI);
    idle.lackingBytes = MEBI;
    clock.advance(60_000);
    expect([log, clock.pending]).toEqual([[], 0]);
  });

  it('has to be complete in two seconds for each megabyte, even if it gets on', () => {
    const { clock, rules, log, holder, fill } = setUp();
    const slow = holder('slow');
    rules.reserve(slow, MEBI);
    slow.lackingBytes = MEBI;
    fill();
    for (let passed = 0; passed < 1_900; passed += 50) {
      // Fast enough to be complete in two seconds, until it stops shortly before.
      slow.lackingBytes -= passed < 1_850 ? MEBI / 38 : 0;
      clock.advance(50);
    }
    expect(log).not.toContain('slow evicted');
    clock.advance(200);
    expect(log).toContain('slow evicted');
  });

  it('is not blamed while the server does not read it', () => {
    const { clock, rules, log, holder, fill } = setUp();
    const paused = holder('paused');
    paused.isReading = false;
    rules.reserve(paused, MEBI);
    paused.lackingBytes = MEBI;
    fill();
    clock.advance(10_000);
    expect(log).not.toContain('paused evicted');
    paused.isReading = true;
    fill();
    clock.advance(400);
    expect(log).toContain('paused evicted');
  });

  it('has two seconds for each megabyte if it is throttled, and gets no room before it can use it', () => {
    const { clock, rules, log, holder, fill } = setUp();
    const throttled = { ...holder('throttled'), isThrottled: true };
    rules.reserve(throttled, MEBI);
    throttled.lackingBytes = MEBI;
    fill();
    const waiting = { ...holder('waiting'), isThrottled: true };
    rules.reserve(waiting, MEBI);
    clock.advance(1_900);
    expect(log).not.toContain('throttled evicted');
    clock.advance(20_000);
    expect(log).toContain('throttled evicted');
    expect(log).not.toContain('waiting granted');
    waiting.isThrottled = false;
    clock.advance(400);
    expect(log).toContain('waiting granted');
  });

  it('is no hindrance with a small message', () => {
    const { clock, rules, log, holder, fill } = setUp();
    rules.reserve(holder('small'), 10 * KIBI);
    fill();
    clock.advance(10_000);
    expect(log).not.toContain('small evicted');
  });

  it('has its time anew for each message, though it always has begun the next', () => {
    const { clock, rules, log, holder, fill } = setUp();
    const busy = holder('busy');
    rules.reserve(busy, 200 * KIBI);
    for (let index = 0; index < 60; index++) {
      fill();
      rules.reserveAnyhow(busy, 200 * KIBI);
      clock.advance(100);
      rules.complete(busy, 200 * KIBI);
    }
    expect(log).not.toContain('busy evicted');
  });
});

describe('closing', () => {
  it('forgets who waits, and runs no timer any more', () => {
    const { clock, rules, fill, log } = setUp();
    fill();
    log.length = 0;
    rules.close();
    clock.advance(10_000);
    expect([log, rules.waiters, clock.pending]).toEqual([[], 0, 0]);
  });
});
