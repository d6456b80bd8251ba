import { describe, expect, it } from 'vitest';
import { AddressAccount } from '../../../lib/limits/address-account.js';

describe('the failures of an address', () => {
  it('count half after every ten seconds', () => {
    const address = new AddressAccount();
    for (let index = 0; index < 8; index++) {
      address.fail(1_000);
    }
    expect([1_000, 11_000, 21_000, 31_000, 41_000, 51_000].map(now => address.failuresAt(now))).toEqual([
      8, 4, 2, 1, 1, 0,
    ]);
  });

  it('undo what it has completed', () => {
    const address = new AddressAccount();
    address.complete(0);
    address.complete(0);
    expect([address.completionsAt(0), address.completionsAt(10_000), address.completionsAt(30_000)]).toEqual([2, 1, 0]);
    address.fail(0);
    expect([address.completionsAt(0), address.failuresAt(0)]).toEqual([0, 1]);
  });

  it('are forgotten in the end, however many there were', () => {
    const address = new AddressAccount();
    for (let index = 0; index < 100_000; index++) {
      address.fail(0);
    }
    expect(address.failuresAt(0)).toBe(1_000);
    expect(address.failuresAt(120_000)).toBe(0);
  });
});
