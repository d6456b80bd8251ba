import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeGreeting, GREETING_BYTES, readGreeting, type Greeting } from '../../../lib/zmtp/greeting.js';
import { ZmtpRefusal, type ZmtpRefusalCode } from '../../../lib/zmtp/refusal.js';
import { fromHex } from '../../support/wire.js';
import { ZMTP_VECTORS } from '../../support/zmtp-vectors.js';

const NULL_GREETING = encodeGreeting({ mechanism: 'NULL', asServer: false });

/** The greeting with some bytes replaced from `at` on. */
function altered(at: number, ...bytes: readonly number[]): Buffer {
  const greeting = Buffer.from(NULL_GREETING);
  greeting.set(bytes, at);
  return greeting;
}

/** The verdict after each number of bytes, up to and with the first that is one. */
function firstVerdict(bytes: Uint8Array): { length: number; verdict: Greeting | ZmtpRefusal } | undefined {
  for (let length = 0; length <= bytes.length; length += 1) {
    const verdict = readGreeting(bytes, length);
    if (verdict !== undefined) {
      return { length, verdict };
    }
  }
  return undefined;
}

const refusedAfter = (length: number, code: ZmtpRefusalCode) => ({ length, verdict: new ZmtpRefusal(code) });

describe('encodeGreeting', () => {
  it('writes 64 bytes that read as what was asked for', () => {
    for (const mechanism of ['NULL', 'PLAIN'] as const) {
      for (const asServer of [false, true]) {
        const greeting = encodeGreeting({ mechanism, asServer });
        expect(greeting).toHaveLength(GREETING_BYTES);
        expect(readGreeting(greeting, GREETING_BYTES)).toEqual({ major: 3, minor: 1, mechanism, asServer });
      }
    }
  });
});

describe('readGreeting', () => {
  it('asks for more until all 64 bytes of a right greeting are there', () => {
    for (const { greeting, bytes } of ZMTP_VECTORS.filter(vector => vector.greeting !== undefined)) {
      expect(firstVerdict(bytes)).toEqual({ length: GREETING_BYTES, verdict: greeting });
    }
  });

  it('looks at no byte beyond those that have arrived', () => {
    const stale = Buffer.alloc(GREETING_BYTES, 0xaa);
    stale.set(NULL_GREETING.subarray(0, 10));
    expect(readGreeting(stale, 10)).toBeUndefined();
    expect(readGreeting(NULL_GREETING.subarray(0, 20), GREETING_BYTES)).toBeUndefined();
  });

  it('leaves what follows the greeting alone', () => {
    expect(readGreeting(Buffer.concat([NULL_GREETING, Buffer.of(0xff)]), 65)).toMatchObject({ mechanism: 'NULL' });
  });

  it('accepts any padding in the signature', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), padding => {
        expect(readGreeting(altered(1, ...padding), GREETING_BYTES)).toMatchObject({ major: 3, mechanism: 'NULL' });
      }),
    );
  });

  it('accepts version 3.0 and every later version', () => {
    for (const [major, minor] of [
      [3, 0],
      [3, 255],
      [4, 0],
      [255, 9],
    ] as const) {
      expect(readGreeting(altered(10, major, minor), GREETING_BYTES)).toMatchObject({ major, minor });
    }
  });

  it('accepts every mechanism that has the form of one, up to 20 characters', () => {
    for (const mechanism of ['CURVE', 'X', 'A-Z_0.9+', 'ABCDEFGHIJKLMNOPQRST']) {
      const bytes = Buffer.alloc(20);
      bytes.write(mechanism, 'latin1');
      expect(readGreeting(altered(12, ...bytes), GREETING_BYTES)).toMatchObject({ mechanism });
    }
  });

  it.each(['GET / HTTP/1.1\r\n', '\x16\x03\x01', 'SSH-2.0', '{"pattern"', '\x00\x00'])(
    'refuses other protocols with the first byte: %j',
    text => {
      expect(firstVerdict(Buffer.from(text, 'latin1'))).toEqual(refusedAfter(1, 'not-zmtp'));
    },
  );

  it('refuses a signature that does not end with 7f at its end', () => {
    expect(firstVerdict(altered(9, 0x7e))).toEqual(refusedAfter(10, 'not-zmtp'));
    expect(firstVerdict(altered(9, 0xff))).toEqual(refusedAfter(10, 'not-zmtp'));
  });

  it('knows a peer of ZMTP 1.0 by its first frame, and one of ZMTP 2.0 by its revision', () => {
    expect(firstVerdict(fromHex('01 00'))).toEqual(refusedAfter(1, 'old-version'));
    expect(firstVerdict(fromHex('ff 0000000000000001 7f 01 05 00 00'))).toEqual(refusedAfter(11, 'old-version'));
    expect(firstVerdict(altered(10, 0))).toEqual(refusedAfter(11, 'old-version'));
    expect(firstVerdict(altered(10, 2))).toEqual(refusedAfter(11, 'old-version'));
  });

  it('refuses what is no mechanism with the byte that shows it', () => {
    expect(firstVerdict(altered(12, 0))).toEqual(refusedAfter(13, 'bad-greeting'));
    expect(firstVerdict(altered(13, 0x75))).toEqual(refusedAfter(14, 'bad-greeting'));
    expect(firstVerdict(altered(16, 0x20))).toEqual(refusedAfter(17, 'bad-greeting'));
    expect(firstVerdict(altered(17, 0x41))).toEqual(refusedAfter(18, 'bad-greeting'));
    expect(firstVerdict(altered(31, 0x41))).toEqual(refusedAfter(32, 'bad-greeting'));
  });

  it('refuses as-server other than 0 and 1, and a filler that is not zero', () => {
    expect(firstVerdict(altered(32, 2))).toEqual(refusedAfter(33, 'bad-greeting'));
    expect(firstVerdict(altered(33, 1))).toEqual(refusedAfter(34, 'bad-greeting'));
    expect(firstVerdict(altered(63, 0x80))).toEqual(refusedAfter(64, 'bad-greeting'));
  });

  it('says the same of any bytes however many arrive at a time, and never throws', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(fc.nat(63), fc.nat(255)).map(([at, byte]) => altered(at, byte)),
    );
    fc.assert(
      fc.property(anyBytes, bytes => {
        const first = firstVerdict(bytes);
        for (let length = first?.length ?? bytes.length; length <= bytes.length; length += 1) {
          expect(readGreeting(bytes, length)).toEqual(first?.verdict);
        }
        const isGreeting = first !== undefined && !(first.verdict instanceof ZmtpRefusal);
        expect(isGreeting ? first.length : GREETING_BYTES).toBe(GREETING_BYTES);
      }),
      { numRuns: 1000 },
    );
  });
});
