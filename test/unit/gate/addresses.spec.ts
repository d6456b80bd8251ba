import { describe, expect, it } from 'vitest';
import { addressKey, Addresses } from '../../../lib/gate/addresses.js';
import { resolveGate } from '../../support/gate.js';

describe('the address that is held responsible', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:10.1.2.3', '10.1.2.3'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
  ])('of %s is %s', (remote, key) => {
    expect(addressKey(remote)).toBe(key);
  });

  it('is the same for all of a /64 network, and another outside of it', () => {
    const keys = ['2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1:0:0:0:2'].map(addressKey);
    expect(new Set(keys).size).toBe(1);
    expect(addressKey('2001:db8:0:2::1')).not.toBe(keys[0]);
  });
});

describe('Addresses', () => {
  const setUp = () => new Addresses(resolveGate(), () => 0);

  it('remembers an address while it has connections, and for some time after', () => {
    const addresses = setUp();
    const address = addresses.find('a');
    addresses.enter(address);
    addresses.enter(address);
    addresses.leave(address);
    expect([addresses.size, addresses.find('a') === address]).toEqual([1, true]);
    addresses.leave(address);
    expect([addresses.size, addresses.find('a') === address]).toEqual([0, true]);
  });

  it('forgets the longest unused of many without a connection, and none that has one', () => {
    const addresses = setUp();
    const first = addresses.find('first');
    const connected = addresses.find('connected');
    addresses.enter(connected);
    for (let index = 0; index < 10_000; index++) {
      addresses.find(`other ${index}`);
    }
    expect(addresses.find('connected')).toBe(connected);
    expect(addresses.find('first')).not.toBe(first);
    expect(addresses.find('other 9999')).toBe(addresses.find('other 9999'));
  });
});
