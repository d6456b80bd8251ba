import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Malformed } from '../../../lib/wire/malformed.js';
import { decodeMsgPack, encodeMsgPack, isMsgPackAvailable } from '../../../lib/wire/msgpack.js';
import { scanMsgPack } from '../../../lib/wire/msgpack-scan.js';
import { fromHex, LIMITS } from '../../support/wire.js';

const decode = (hex: string, limits: Partial<typeof LIMITS> = {}) =>
  decodeMsgPack(fromHex(hex), { ...LIMITS, ...limits });
const refused = (reason: string) => new Malformed(`invalid MessagePack: ${reason}`);
const textKey = (key: string) => Buffer.from([0xa0 + key.length, ...Buffer.from(key)]).toString('hex');

describe('MessagePack', () => {
  it('is available where msgpackr is installed', () => {
    expect(isMsgPackAvailable()).toBe(true);
  });

  it('gives back binary data, dates and 64-bit integers', () => {
    const value = {
      bytes: Buffer.from('abc'),
      at: new Date(1_700_000_000_123),
      big: 2n ** 60n,
      n: 5_000_000_000,
      u: undefined,
    };
    const decoded = decodeMsgPack(Buffer.from(encodeMsgPack(value)), LIMITS) as typeof value;
    expect(decoded).toEqual({ ...value, u: null });
    expect(Buffer.isBuffer(decoded.bytes)).toBe(true);
    expect(decode('cf 0000000100000000')).toBe(2 ** 32);
    expect(decode('cf ffffffffffffffff')).toBe(2n ** 64n - 1n);
  });

  it('copies binary data out of the frame', () => {
    const frame = Buffer.concat([Buffer.from([0xc4, 3]), Buffer.from('abc'), Buffer.alloc(1000)]);
    const decoded = decodeMsgPack(frame.subarray(0, 5), LIMITS) as Buffer;
    expect(decoded.toString()).toBe('abc');
    expect(decoded.buffer).not.toBe(frame.buffer);
  });

  it.each([
    ['every size of integer', '98 7f e0 ccff cdffff ceffffffff d080 d18000 d280000000'],
    ['floats, nil and booleans', '95 ca3f800000 cb3ff0000000000000 c0 c2 c3'],
    ['every size of text', '93 d90161 da000161 db0000000161'],
    ['every size of binary data', '93 c40161 c5000161 c60000000161'],
    ['every size of array and map', '94 dc000101 dd0000000101 de0001a16101 df00000001a16101'],
    ['every timestamp', '93 d6ff00000000 d7ff0000000000000000 c70cff000000000000000000000000'],
    ['integer keys', '82 0102 ccff01'],
  ])('accepts %s', (_, hex) => {
    expect(decode(hex)).not.toBeInstanceOf(Malformed);
  });

  it('throws MALFORMED for what cannot be encoded', () => {
    const circular: unknown[] = [];
    circular.push(circular);
    expect(() => encodeMsgPack(circular)).toThrow(/^The value cannot be encoded as MessagePack: ./);
  });

  it('is a value or Malformed for any bytes, and what the scan accepts can be decoded', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
        const bytes = Uint8Array.from(encodeMsgPack(value));
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(anyBytes, bytes => {
        const isRefused = scanMsgPack(bytes, LIMITS) !== undefined;
        expect(decodeMsgPack(Buffer.from(bytes), LIMITS) instanceof Malformed).toBe(isRefused);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['an array of 4 billion', 'ddffffffff'],
    ['a map of 4 billion', 'dfffffffff'],
    ['a text of 4 GB', 'dbffffffff'],
    ['binary data of 4 GB', 'c6ffffffff'],
    ['an array within an array', '91ddffffffff00'],
  ])('A17: refuses %s in a few bytes', (_, hex) => {
    expect(decode(hex)).toEqual(refused('a declared size goes beyond the end'));
  });

  it('A17: refuses nested arrays deeper than maxDepth', () => {
    expect(decode('91'.repeat(100_000) + '00')).toEqual(refused('nested too deeply'));
    expect(decode('91'.repeat(32) + '00')).not.toBeInstanceOf(Malformed);
    expect(decode('91'.repeat(33) + '00')).toEqual(refused('nested too deeply'));
  });

  it('A17: refuses more values than maxTokens', () => {
    expect(decode(`dd00030000${'80'.repeat(0x30000)}`)).toEqual(refused('too many values'));
    expect(decode('93 010203', { maxTokens: 4 })).toEqual([1, 2, 3]);
    expect(decode('93 010203', { maxTokens: 3 })).toEqual(refused('too many values'));
  });

  it.each(['__proto__', 'constructor', 'prototype'])('A22: refuses the key %s', key => {
    expect(decode(`91 81 ${textKey(key)} 80`)).toEqual(refused('forbidden key'));
    expect(decode(`81 d9${key.length.toString(16).padStart(2, '0')}${textKey(key).slice(2)} 80`)).toEqual(
      refused('forbidden key'),
    );
    expect(decode(`91 ${textKey(key)}`)).toEqual([key]);
  });

  it('A22: refuses a forbidden key in overlong UTF-8', () => {
    expect(decode('81 ab c19f 5f70726f746f5f5f 80')).toBeInstanceOf(Malformed);
    expect(decode('81 aa c19f5f70726f746f5f5f 80')).toEqual(refused('invalid UTF-8'));
  });

  it.each([
    ['nothing', ''],
    ['trailing bytes', '0000'],
    ['the unused type', 'c1'],
    ['the record extension', 'd472400000'],
    ['an unknown extension', 'd50100'],
    ['a timestamp of 5 bytes', 'c705ff0000000000'],
    ['invalid UTF-8', 'a1ff'],
    ['a map as key', '818000'],
    ['binary data as key', '81c4016100'],
    ['a truncated integer', 'cd00'],
    ['a truncated size', 'da00'],
  ])('refuses %s', (_, hex) => {
    expect(decode(hex)).toBeInstanceOf(Malformed);
  });
});
