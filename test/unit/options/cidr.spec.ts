import { describe, expect, it } from 'vitest';
import { cidrList } from '../../../lib/options/cidr.js';
import { refusalOf } from '../../support/refusal.js';

describe('cidrList', () => {
  it('has no networks unless some are given', () => {
    expect(cidrList(undefined, 'allow')).toEqual([]);
    expect(Object.isFrozen(cidrList(undefined, 'allow'))).toBe(true);
  });

  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.1', '10.0.0.1/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8:0:0::1', '2001:db8::1/128'],
    ['::/0', '::/0'],
    ['::ffff:10.0.0.1', '10.0.0.1/32'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['::FFFF:0a00:0/128', '10.0.0.0/32'],
  ])('takes %s for %s', (given, network) => {
    expect(cidrList(given, 'allow')).toEqual([network]);
  });

  it('takes a list, and what it has given itself', () => {
    const once = cidrList(['10.0.0.1', '2001:db8::/32'], 'allow');
    expect(once).toEqual(['10.0.0.1/32', '2001:db8::/32']);
    expect(cidrList(once, 'allow')).toEqual(once);
  });

  it.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '010.0.0.0/8',
    ' 10.0.0.0/8',
    '10.0.0.0/8\n',
    '10.0.0.0/255.0.0.0',
    '2001:db8::/129',
    'fe80::1%eth0',
    'fe80::%1/64',
    '[::1]',
    '::ffff:10.0.0.1/129',
    7,
    null,
    {},
  ])('refuses %j, naming the option', value => {
    const { code, message } = refusalOf(() => cidrList(value, 'server.allow'));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message).toContain('server.allow must be an IP address or a network');
  });

  it.each([
    ['10.0.0.1/8', '10.0.0.0/8', '10.0.0.1/32'],
    ['255.255.255.255/0', '0.0.0.0/0', '255.255.255.255/32'],
    ['2001:db8::1/32', '2001:db8::/32', '2001:db8::1/128'],
    ['::ffff:10.0.0.1/104', '10.0.0.0/8', '10.0.0.1/32'],
  ])('refuses %s, whose address lies beyond its prefix, and tells what may be meant', (given, network, address) => {
    const { message } = refusalOf(() => cidrList([given], 'allow'));
    expect(message).toContain(`allow[0] has bits beyond its prefix: '${given}'`);
    expect(message).toContain(`The network is ${network}, the address alone ${address}.`);
  });

  it.each(['::ffff:10.0.0.0/95', '::ffff:0:0/64', '::ffff:0:0/0'])(
    'refuses %s, which is in between of both kinds',
    given => {
      expect(refusalOf(() => cidrList(given, 'allow')).message).toContain('must not mix IPv4 and IPv6');
    },
  );

  it('names the wrong entry of a list', () => {
    expect(refusalOf(() => cidrList(['10.0.0.1', 'nowhere'], 'deny')).message).toContain(
      'deny[1] must be an IP address',
    );
  });

  it('refuses more than 10,000 entries', () => {
    const many = Array.from({ length: 10_001 }, () => '10.0.0.1');
    expect(refusalOf(() => cidrList(many, 'allow')).message).toContain('at most 10000 entries');
    expect(cidrList(many.slice(1), 'allow')).toHaveLength(10_000);
  });
});
