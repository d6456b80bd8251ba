import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { cidrList } from '../../../lib/options/cidr.js';
import { networkOf, parseIpAddress } from '../../../lib/options/ip-address.js';
import { AddressList, AddressRules } from '../../../lib/security/address-list.js';

const listOf = (...entries: string[]) => new AddressList(cidrList(entries, 'allow'));
const rulesOf = ({ allow = [] as string[], deny = [] as string[] }) =>
  new AddressRules({ allow: cidrList(allow, 'allow'), deny: cidrList(deny, 'deny') });

describe('AddressList', () => {
  it('knows whether it is empty', () => {
    expect([listOf().isEmpty, listOf('10.0.0.1').isEmpty]).toEqual([true, false]);
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::FFFF:0a01:0203', true],
    ['10.0.0.0/8', '::10.1.2.3', false],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '203.0.113.9', false],
    ['::/0', '::ffff:203.0.113.9', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['10.0.0.0/8', 'nowhere', false],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', '10.0.0.1:80', false],
  ])('of %s and the address %s says %s', (network, remote, included) => {
    expect(listOf(network).includes(remote)).toBe(included);
  });

  it('agrees with ipaddr.js about addresses of IPv4, mapped into IPv6 or not', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(32), fc.nat(32), fc.boolean(), (base, prefix, changed, mapped) => {
        const network = networkOf({ family: 'ipv4', text: base }, prefix);
        const address = flipBit(base, changed);
        const expected = ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parse(network), prefix);
        const list = new AddressList([`${network}/${prefix}`]);
        expect(list.includes(mapped ? `::ffff:${address}` : address)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with ipaddr.js about addresses of IPv6', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(128), fc.nat(128), (base, prefix, changed) => {
        const given = parseIpAddress(base);
        fc.pre(given?.family === 'ipv6');
        const network = networkOf({ family: 'ipv6', text: given?.text ?? '' }, prefix);
        const address = flipBit(base, changed);
        fc.pre(parseIpAddress(address)?.family === 'ipv6' && ![network, address].some(isCompatible));
        const expected = ipaddr.IPv6.parse(address).match(ipaddr.IPv6.parse(network), prefix);
        expect(new AddressList([`${network}/${prefix}`]).includes(address)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with ipaddr.js about networks as they are given', () => {
    const networks = fc.array(
      fc.oneof(
        fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
        fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
      ),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(networks, fc.oneof(fc.ipV4(), fc.ipV6()), (given, remote) => {
        const cidrs = given.flatMap(([base, prefix]) => {
          const address = parseIpAddress(base);
          return address === undefined || address.isMapped ? [] : [`${networkOf(address, prefix)}/${prefix}`];
        });
        fc.pre(![remote, ...cidrs].some(isCompatible));
        const expected = cidrs.some(cidr => {
          const [network, prefix] = ipaddr.parseCIDR(cidr);
          const address = ipaddr.process(remote);
          return address.kind() === network.kind() && address.match(network, prefix);
        });
        expect(new AddressList(cidrList(cidrs, 'allow')).includes(remote)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('AddressRules', () => {
  it.each(['10.0.0.1', '::1', 'nowhere', ''])('admit %j where there is no rule', remote => {
    expect(rulesOf({}).isOpen).toBe(true);
    expect(rulesOf({}).admits(remote)).toBe(true);
  });

  it.each([
    [{ allow: ['10.0.0.0/8'] }, '10.1.2.3', true],
    [{ allow: ['10.0.0.0/8'] }, '192.0.2.1', false],
    [{ deny: ['10.0.0.0/8'] }, '10.1.2.3', false],
    [{ deny: ['10.0.0.0/8'] }, '::ffff:10.1.2.3', false],
    [{ deny: ['10.0.0.0/8'] }, '192.0.2.1', true],
    [{ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }, '10.2.0.1', true],
    [{ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }, '10.1.0.1', false],
    [{ allow: ['10.1.0.0/16'], deny: ['10.0.0.0/8'] }, '10.1.0.1', false],
    [{ deny: ['10.0.0.0/8'] }, 'nowhere', false],
    [{ allow: ['0.0.0.0/0', '::/0'] }, 'nowhere', false],
    [{ allow: ['0.0.0.0/0', '::/0'] }, 'fe80::1%eth0', true],
  ])('with %o and the address %s say %s', (rules, remote, admitted) => {
    expect(rulesOf(rules).isOpen).toBe(false);
    expect(rulesOf(rules).admits(remote)).toBe(admitted);
  });
});

/** IPv6 with a dotted end after zeros alone, which ipaddr.js takes for an IPv4 address mapped into IPv6. */
function isCompatible(text: string): boolean {
  return /^[0:]+:\d+\.\d+\./.test(text);
}

/** The address with one bit changed, so that it is near the edges of networks; beyond its last bit, the same. */
function flipBit(text: string, bit: number): string {
  const bytes = ipaddr.parse(text).toByteArray();
  const flipped = bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte));
  return ipaddr.fromByteArray(flipped).toString();
}
