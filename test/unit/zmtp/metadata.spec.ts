import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMetadata, readMetadata } from '../../../lib/zmtp/metadata.js';
import { ZmtpRefusal } from '../../../lib/zmtp/refusal.js';
import { fromHex } from '../../support/wire.js';

const LIMITS = { maxProperties: 8, maxBytes: 4096 };
const REFUSED = new ZmtpRefusal('bad-metadata');
const read = (data: Buffer, limits: Partial<typeof LIMITS> = {}) => readMetadata(data, { ...LIMITS, ...limits });

const anyName = fc.string({
  unit: fc.constantFrom(...Array.from('ABCXYZabcxyz0189-_.+')),
  minLength: 1,
  maxLength: 30,
});
const anyProperties = fc
  .uniqueArray(fc.tuple(anyName, fc.uint8Array({ maxLength: 100 })), {
    maxLength: 8,
    selector: ([name]) => name.toLowerCase(),
  })
  .map(entries => Object.fromEntries(entries));

describe('encodeMetadata and readMetadata', () => {
  it('give back any properties, with their names in lower case', () => {
    fc.assert(
      fc.property(anyProperties, properties => {
        const expected = Object.entries(properties).map(([name, value]) => [name.toLowerCase(), Buffer.from(value)]);
        expect([...(read(encodeMetadata(properties)) as ReadonlyMap<string, Buffer>)]).toEqual(expected);
      }),
    );
  });

  it('carry no property at all as no bytes', () => {
    expect(encodeMetadata({})).toHaveLength(0);
    expect(read(Buffer.alloc(0))).toEqual(new Map());
  });

  it('carry text as UTF-8', () => {
    expect(read(encodeMetadata({ 'X-Name': 'é' }))).toEqual(new Map([['x-name', Buffer.from('é')]]));
  });

  it('carry names that mean something to objects of JavaScript', () => {
    const properties = read(encodeMetadata({ constructor: 'a', toString: 'b' })) as ReadonlyMap<string, Buffer>;
    expect([...properties.keys()]).toEqual(['constructor', 'tostring']);
    expect(read(fromHex('09 5f5f70726f746f5f5f 00000000'))).toEqual(new Map([['__proto__', Buffer.alloc(0)]]));
  });
});

describe('encodeMetadata', () => {
  it.each(['', 'a b', 'é', 'x'.repeat(256)])('throws for what is no name: %j', name => {
    expect(() => encodeMetadata({ [name]: '' })).toThrow(RangeError);
  });
});

describe('readMetadata', () => {
  it('refuses a name given twice, in whatever case', () => {
    expect(read(encodeMetadata({ Identity: 'a', IDENTITY: 'b' }))).toEqual(REFUSED);
  });

  it('refuses more properties than allowed', () => {
    const data = encodeMetadata({ a: '', b: '', c: '' });
    expect(read(data, { maxProperties: 3 })).toHaveProperty('size', 3);
    expect(read(data, { maxProperties: 2 })).toEqual(new ZmtpRefusal('bad-metadata', 2));
  });

  it('refuses more bytes than allowed, with both numbers', () => {
    const data = encodeMetadata({ a: 'bcd' });
    expect(read(data, { maxBytes: data.length })).toHaveProperty('size', 1);
    expect(read(data, { maxBytes: 8 })).toEqual(new ZmtpRefusal('bad-metadata', 8, data.length));
  });

  it.each([
    ['an empty name', '00 00000000'],
    ['a name with a space', '03 612062 00000000'],
    ['a name beyond the end', '04 616263'],
    ['a value length that is cut off', '01 61 000000'],
    ['a value beyond the end', '01 61 00000002 78'],
    ['a value of 2^31 bytes', '01 61 80000000 78'],
    ['a value of 2^32 - 1 bytes', '01 61 ffffffff 78'],
    ['bytes behind the last value', '01 61 00000001 78 01'],
  ])('refuses %s', (_what, hex) => {
    expect(read(fromHex(hex))).toEqual(REFUSED);
  });

  it('never takes what is cut off for what was written', () => {
    fc.assert(
      fc.property(anyProperties, properties => {
        const data = encodeMetadata(properties);
        const whole = Object.keys(properties).length;
        for (let length = 0; length < data.length; length += 1) {
          const cut = read(data.subarray(0, length));
          // A cut between two properties leaves metadata of its own, with fewer of them.
          expect(cut instanceof ZmtpRefusal || cut.size < whole).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is properties or a refusal for any bytes, never an exception', () => {
    const anyByte = fc.constantFrom(0x00, 0x01, 0x02, 0x41, 0x61, 0x7f, 0x80, 0xff);
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(anyByte, { maxLength: 60 }).map(bytes => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(anyBytes, bytes => {
        const properties = read(Buffer.from(bytes));
        const total =
          properties instanceof ZmtpRefusal
            ? undefined
            : [...properties].reduce((sum, [name, value]) => sum + 5 + name.length + value.length, 0);
        expect([undefined, bytes.length]).toContain(total);
      }),
      { numRuns: 2000 },
    );
  });
});
