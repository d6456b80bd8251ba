import { describe, expect, it } from 'vitest';
import { parseZapRequest, zapReply } from '../../../lib/socket/zap-request.js';

const HEAD = ['', '1.0', '1', 'domain', '10.0.0.1', ''];
const frames = (...texts: readonly string[]) => texts.map(text => Buffer.from(text, 'latin1'));
const KEY = Buffer.from('8E0BDD697628B91D8F245587EE95C5B04D48963F79259877B49CD9063AEAD3B7', 'hex');

describe('parseZapRequest()', () => {
  it('reads NULL, PLAIN and CURVE', () => {
    const common = { id: Buffer.from('1'), domain: 'domain', address: '10.0.0.1' };
    const nothing = { username: undefined, password: undefined, publicKey: undefined };
    expect(parseZapRequest(frames(...HEAD, 'NULL'))).toEqual({ ...common, ...nothing, mechanism: 'NULL' });
    expect(parseZapRequest(frames(...HEAD, 'PLAIN', 'ada', 'secret'))).toEqual({
      ...common,
      ...nothing,
      mechanism: 'PLAIN',
      username: 'ada',
      password: 'secret',
    });
    expect(parseZapRequest([...frames(...HEAD, 'CURVE'), KEY])).toEqual({
      ...common,
      ...nothing,
      mechanism: 'CURVE',
      publicKey: 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6',
    });
  });

  it.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', undefined],
    ['nonsense', undefined],
  ])('gives the address %j as %j', (text, address) => {
    expect(parseZapRequest(frames('', '1.0', '1', 'd', text, '', 'NULL'))).toMatchObject({ address });
  });

  it.each([
    ['nothing', []],
    ['too few frames', frames(...HEAD)],
    ['no empty frame', frames('x', ...HEAD.slice(1), 'NULL')],
    ['another version', frames('', '2.0', ...HEAD.slice(2), 'NULL')],
    ['no request id', frames('', '1.0', '', ...HEAD.slice(3), 'NULL')],
    ['an unknown mechanism', frames(...HEAD, 'GSSAPI', 'principal')],
    ['NULL with credentials', frames(...HEAD, 'NULL', 'x')],
    ['PLAIN without a password', frames(...HEAD, 'PLAIN', 'ada')],
    ['PLAIN with more than a password', frames(...HEAD, 'PLAIN', 'ada', 'secret', 'x')],
    ['PLAIN with bytes that are no UTF-8', frames(...HEAD, 'PLAIN', 'ada', '\xff')],
    ['CURVE without a key', frames(...HEAD, 'CURVE')],
    ['CURVE with a short key', frames(...HEAD, 'CURVE', 'x'.repeat(31))],
    ['CURVE with two keys', frames(...HEAD, 'CURVE', 'x'.repeat(32), 'x'.repeat(32))],
    ['a field that is too long', frames(...HEAD, 'PLAIN', 'ada', 'x'.repeat(256))],
  ])('refuses %s', (_what, request) => {
    expect(parseZapRequest(request)).toBeUndefined();
  });
});

describe('zapReply()', () => {
  it('has the frames of ZAP, and at most 255 bytes of the name', () => {
    const texts = (status: 200 | 400, name: string) => zapReply(Buffer.from('7'), status, name).map(String);
    expect(texts(200, 'ada')).toEqual(['', '1.0', '7', '200', 'OK', 'ada', '']);
    expect(texts(400, '')).toEqual(['', '1.0', '7', '400', 'Refused', '', '']);
    expect(texts(200, 'x'.repeat(300))[5]).toHaveLength(255);
  });
});
