import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { agreedSecret, decodeKey, encodeKey, publicKeyOf } from '../../../lib/security/curve-keys.js';

/** Keys of low order, from RFC 7748 and https://cr.yp.to/ecdh.html: with them every secret gives the same. */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

/** RFC 7748, 5.2. */
const SCALAR = 'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4';
const COORDINATE = 'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c';
const RESULT = 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552';

describe('CURVE keys', () => {
  it('are written as the example of ZeroMQ RFC 32 says', () => {
    const bytes = Buffer.from('8E0BDD697628B91D8F245587EE95C5B04D48963F79259877B49CD9063AEAD3B7', 'hex');
    const text = 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6';
    expect(encodeKey(bytes)).toBe(text);
    expect(decodeKey(text)).toEqual(bytes);
  });

  it('come back from Z85 as they were, whatever their bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes => {
        expect(decodeKey(encodeKey(bytes)).equals(bytes)).toBe(true);
      }),
    );
  });

  it.each([
    ['too short', '0'.repeat(39)],
    ['too long', '0'.repeat(41)],
    ['a letter that Z85 has not', `${'0'.repeat(39)}"`],
    ['a character of two code units', `${'0'.repeat(38)}😀`],
    ['a group above 32 bits', `#####${'0'.repeat(35)}`],
  ])('are refused without being shown: %s', (_, text) => {
    const attempt = () => decodeKey(text);
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }) as Error);
    expect(attempt).toThrow('A CURVE key must be 40 characters of Z85.');
  });

  it('have as many bytes as they must', () => {
    expect(() => encodeKey(Buffer.alloc(31))).toThrow('must have 32 bytes, but has 31');
  });

  it('give the public key that libzmq gives', () => {
    const pairs = Array.from({ length: 20 }, () => curveKeyPair());
    expect(pairs.map(({ secretKey }) => publicKeyOf(secretKey))).toEqual(pairs.map(({ publicKey }) => publicKey));
  });

  it('agree on the same secret at both ends', () => {
    const [one, other] = [curveKeyPair(), curveKeyPair()];
    const secret = agreedSecret({ secretKey: one.secretKey, publicKey: other.publicKey });
    expect(secret).toHaveLength(32);
    expect(agreedSecret({ secretKey: other.secretKey, publicKey: one.publicKey })).toEqual(secret);
  });

  it('agree as the example of RFC 7748 does', () => {
    const key = (hex: string) => encodeKey(Buffer.from(hex, 'hex'));
    const keys = { secretKey: key(SCALAR), publicKey: key(COORDINATE) };
    expect(agreedSecret(keys)?.toString('hex')).toBe(RESULT);
  });

  it.each(LOW_ORDER)('do not agree with a public key of low order: %s', hex => {
    const publicKey = encodeKey(Buffer.from(hex, 'hex'));
    expect(agreedSecret({ secretKey: curveKeyPair().secretKey, publicKey })).toBeUndefined();
  });
});
