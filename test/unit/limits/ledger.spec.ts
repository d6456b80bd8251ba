import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AddressAccount } from '../../../lib/limits/address-account.js';
import { ByteBudget } from '../../../lib/limits/byte-budget.js';
import { Ledger } from '../../../lib/limits/ledger.js';
import { FakeClock } from '../../support/fake-clock.js';

const KIBI = 1024;
const MEBI = KIBI * KIBI;
const FLOOR = 128 * KIBI;

function setUp({ limit = 8 * MEBI, window = MEBI } = {}) {
  const clock = new FakeClock();
  const held = new ByteBudget(limit);
  const options = { receiving: 4 * MEBI, reserve: MEBI, held, window, backedUpWindow: 64 * KIBI, clock };
  const ledger = new Ledger(options);
  const peer = {
    isReading: true,
    isThrottled: false,
    isBackedUp: false,
    lackingBytes: 0,
    evictions: 0,
    granted() {},
    evict() {},
  };
  const open = (address = new AddressAccount(), holder = peer) => ledger.open(address, holder);
  return { clock, held, ledger, open, peer };
}

describe('what the application may hold of a connection', () => {
  it('is its window', () => {
    const { ledger, open } = setUp();
    const account = open();
    account.charge(MEBI);
    expect(ledger.mayTake(account)).toBe(true);
    account.charge(1);
    expect(ledger.mayTake(account)).toBe(false);
    account.release(1);
    expect(ledger.mayTake(account)).toBe(true);
  });

  it('is less while the peer takes no replies', () => {
    const { ledger, open, peer } = setUp();
    const account = open(new AddressAccount(), { ...peer, isBackedUp: true });
    account.charge(64 * KIBI);
    expect(ledger.mayTake(account)).toBe(true);
    account.charge(1);
    expect(ledger.mayTake(account)).toBe(false);
  });

  it('is never too little for one message', () => {
    const { ledger, open } = setUp();
    const others = open();
    others.charge(100 * MEBI);
    expect(ledger.mayTake(open())).toBe(true);
  });

  it('is shared by the connections of an address, but not with other addresses', () => {
    const { ledger, open } = setUp({ window: 100 * MEBI });
    const address = new AddressAccount();
    const [one, two] = [open(address), open(address)];
    one.charge(4 * MEBI);
    two.charge(1);
    // 7 MB are shared out, of which 3 are left.
    expect(ledger.mayTake(two)).toBe(false);
    const other = open();
    other.charge(MEBI);
    expect(ledger.mayTake(other)).toBe(true);
  });

  it('never falls below the floor of its address', () => {
    const { ledger, open, held } = setUp();
    held.charge(100 * MEBI);
    const account = open();
    account.charge(FLOOR);
    expect(ledger.mayTake(account)).toBe(true);
    account.charge(1);
    expect(ledger.mayTake(account)).toBe(false);
  });

  it('is less for an address whose messages fail', () => {
    const { ledger, open, clock } = setUp({ window: 100 * MEBI });
    const address = new AddressAccount();
    const account = open(address);
    account.charge(2 * MEBI);
    expect(ledger.mayTake(account)).toBe(true);
    for (let index = 0; index < 3; index++) {
      address.fail(clock.now());
    }
    expect(ledger.mayTake(account)).toBe(false);
  });

  it('stays charged when the connection has ended, until it is settled', () => {
    const { held, open } = setUp();
    const address = new AddressAccount();
    const account = open(address);
    account.charge(1_000);
    account.close();
    expect([held.used, address.held]).toEqual([1_000, 1_000]);
    account.release(1_000);
    expect([held.used, address.held]).toEqual([0, 0]);
  });
});

describe('a connection that waits for its share', () => {
  it('is told once, when the application holds less', async () => {
    const { ledger, open } = setUp();
    const account = open();
    account.charge(2 * MEBI);
    let told = 0;
    ledger.waitForShare({ shareFreed: () => told++ }, { account, bytes: 0 });
    account.release(MEBI - 1);
    await setImmediate();
    expect(told).toBe(0);
    account.release(1);
    account.release(1);
    await setImmediate();
    account.release(1);
    await setImmediate();
    expect(told).toBe(1);
  });

  it('is told when others hold less', async () => {
    const { ledger, open } = setUp({ window: 100 * MEBI });
    const [other, account] = [open(), open()];
    other.charge(6 * MEBI);
    account.charge(MEBI);
    expect(ledger.mayTake(account)).toBe(false);
    const told = new Promise<void>(resolve => {
      ledger.waitForShare({ shareFreed: resolve }, { account, bytes: 0 });
    });
    other.release(3 * MEBI);
    await told;
  });

  it('is not told any more once it has gone', async () => {
    const { ledger, open } = setUp();
    const account = open();
    account.charge(2 * MEBI);
    const waiter = { shareFreed: () => expect.unreachable() };
    ledger.waitForShare(waiter, { account, bytes: 0 });
    ledger.stopWaiting(waiter);
    account.release(2 * MEBI);
    await setImmediate();
    expect(ledger.held.used).toBe(0);
  });
});
