import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkOf, parseIpAddress } from '../../../lib/options/ip-address.js';

describe('parseIpAddress', () => {
  it.each([
    ['10.0.0.1', 'ipv4', '10.0.0.1', false],
    ['2001:DB8:0:0:0:0:0:1', 'ipv6', '2001:db8::1', false],
    ['::', 'ipv6', '::', false],
    ['::ffff:10.0.0.1', 'ipv4', '10.0.0.1', true],
    ['0:0:0:0:0:FFFF:0a00:0001', 'ipv4', '10.0.0.1', true],
    ['::1.2.3.4', 'ipv6', '::1.2.3.4', false],
    ['64:ff9b::1.2.3.4', 'ipv6', '64:ff9b::102:304', false],
  ])('reads %s as %s %s', (text, family, canonical, isMapped) => {
    expect(parseIpAddress(text)).toEqual({ family, text: canonical, isMapped });
  });

  it.each([
    '',
    'localhost',
    '10.0.0',
    '010.0.0.1',
    '10.0.0.256',
    '0x7f.1',
    '1.2.3.4 ',
    'fe80::1%eth0',
    ':::',
    '::1/64',
  ])('takes %j for no address', text => {
    expect(parseIpAddress(text)).toBeUndefined();
  });
});

describe('networkOf', () => {
  it.each([
    ['10.1.2.3', 8, '10.0.0.0'],
    ['255.255.255.255', 1, '128.0.0.0'],
    ['255.255.255.255', 0, '0.0.0.0'],
    ['10.1.2.3', 32, '10.1.2.3'],
    ['2001:db8:ffff::1', 33, '2001:db8:8000::'],
    ['::1.2.3.4', 112, '::1.2.0.0'],
    ['ffff::1', 0, '::'],
  ])('finds the network of %s/%i', (text, prefix, network) => {
    expect(networkOf({ family: text.includes(':') ? 'ipv6' : 'ipv4', text }, prefix)).toBe(network);
  });

  it('gives an address back with its whole length as prefix', () => {
    fc.assert(
      fc.property(fc.ipV6(), ip => {
        const address = parseIpAddress(ip);
        fc.pre(address !== undefined && address.family === 'ipv6');
        expect(networkOf(address, 128)).toBe(address.text);
      }),
    );
  });
});
