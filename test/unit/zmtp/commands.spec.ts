import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCommand, type Command } from '../../../lib/zmtp/command.js';
import {
  encodeError,
  encodePing,
  encodePlainHello,
  encodePlainInitiate,
  encodePlainWelcome,
  encodePong,
  encodeReady,
  MAX_PING_CONTEXT_BYTES,
  readError,
  readPing,
  readPlainHello,
  readPong,
} from '../../../lib/zmtp/commands.js';
import { ZmtpRefusal } from '../../../lib/zmtp/refusal.js';
import { fromHex } from '../../support/wire.js';
import { readChunks } from '../../support/zmtp.js';

const REFUSED = new ZmtpRefusal('bad-command');
const anyContext = fc.uint8Array({ maxLength: MAX_PING_CONTEXT_BYTES });
const anyBytes = fc.uint8Array({ maxLength: 40 });

/** The command in a frame that this codec has written. */
function commandIn(frame: Buffer): Command {
  const { bodies } = readChunks([frame]);
  expect(bodies).toHaveLength(1);
  return readCommand(bodies[0]!) as Command;
}

describe('READY and INITIATE', () => {
  it('carry the same metadata under two names', () => {
    const properties = { 'Socket-Type': 'ROUTER' };
    const metadata = `0b ${Buffer.from('Socket-Type').toString('hex')} 00000006 ${Buffer.from('ROUTER').toString('hex')}`;
    expect(commandIn(encodeReady(properties))).toEqual({ name: 'READY', data: fromHex(metadata) });
    expect(commandIn(encodePlainInitiate(properties))).toEqual({ name: 'INITIATE', data: fromHex(metadata) });
  });
});

describe('ERROR', () => {
  it('gives back any printable reason of up to 255 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 255 }), reason => {
        const { name, data } = commandIn(encodeError(reason));
        expect([name, readError(data)]).toEqual(['ERROR', reason]);
      }),
    );
  });

  it('cuts a longer reason and replaces what cannot be printed', () => {
    expect(readError(commandIn(encodeError('x'.repeat(300))).data)).toBe('x'.repeat(255));
    expect(readError(commandIn(encodeError('a\r\nbé\x7f')).data)).toBe('a??b??');
  });

  it.each([
    ['nothing', ''],
    ['a reason beyond the end', '04 343030'],
    ['bytes behind the reason', '02 343030'],
    ['a line feed in the reason', '03 340a30'],
    ['an escape in the reason', '01 1b'],
    ['bytes beyond ASCII', '01 e9'],
  ])('is refused with %s', (_what, hex) => {
    expect(readError(fromHex(hex))).toEqual(REFUSED);
  });
});

describe('PING and PONG', () => {
  it('give back time to live and context', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), anyContext, (ttl, context) => {
        const ping = commandIn(encodePing(ttl, context));
        expect(ping.name).toBe('PING');
        expect(readPing(ping.data)).toEqual({ ttl, context: Buffer.from(context) });
        const pong = commandIn(encodePong(context));
        expect(pong.name).toBe('PONG');
        expect(readPong(pong.data)).toEqual({ context: Buffer.from(context) });
      }),
    );
  });

  it('are written as libzmq writes them', () => {
    expect(encodePing(30).toString('hex')).toBe('04070450494e47001e');
    expect(encodePong(fromHex('c0ffee')).toString('hex')).toBe('040804504f4e47c0ffee');
  });

  it('carry at most what 16 bits hold as time to live', () => {
    for (const [given, carried] of [
      [70_000, 0xffff],
      [Number.POSITIVE_INFINITY, 0xffff],
      [-1, 0],
      [1.9, 1],
    ] as const) {
      expect(readPing(commandIn(encodePing(given)).data)).toMatchObject({ ttl: carried });
    }
  });

  it('are refused with a context of more than 16 bytes, and PING without a time to live', () => {
    expect(readPing(Buffer.alloc(18))).toMatchObject({ ttl: 0 });
    expect(readPing(Buffer.alloc(19))).toEqual(REFUSED);
    expect(readPing(Buffer.alloc(1))).toEqual(REFUSED);
    expect(readPing(Buffer.alloc(0))).toEqual(REFUSED);
    expect(readPong(Buffer.alloc(17))).toEqual(REFUSED);
  });

  it('are not written with a context of more than 16 bytes', () => {
    expect(() => encodePing(0, Buffer.alloc(17))).toThrow(RangeError);
    expect(() => encodePong(Buffer.alloc(17))).toThrow(RangeError);
  });
});

describe('HELLO and WELCOME of PLAIN', () => {
  it('give back any name and password of up to 255 bytes, empty ones too', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(anyText, anyText, (user, password) => {
        const { name, data } = commandIn(encodePlainHello(user, password));
        expect(name).toBe('HELLO');
        expect(readPlainHello(data)).toEqual({ username: Buffer.from(user), password: Buffer.from(password) });
        for (let length = 0; length < data.length; length += 1) {
          expect(readPlainHello(data.subarray(0, length))).toEqual(REFUSED);
        }
      }),
    );
  });

  it('are written as libzmq writes them', () => {
    expect(encodePlainHello('admin', 'secret').toString('hex')).toBe('04130548454c4c4f0561646d696e06736563726574');
    expect(encodePlainWelcome().toString('hex')).toBe('04080757454c434f4d45');
  });

  it('throw for a name or password that no HELLO can carry', () => {
    expect(() => encodePlainHello('é'.repeat(128), '')).toThrow(RangeError);
    expect(() => encodePlainHello('', 'x'.repeat(256))).toThrow(RangeError);
  });

  it('are refused with bytes behind the password', () => {
    expect(readPlainHello(fromHex('01 61 01 62'))).toMatchObject({ username: Buffer.from('a') });
    expect(readPlainHello(fromHex('01 61 01 62 00'))).toEqual(REFUSED);
  });
});

describe('The readers of commands', () => {
  it('give a value or a refusal for any bytes, never an exception', () => {
    fc.assert(
      fc.property(anyBytes, bytes => {
        for (const read of [readError, readPing, readPong, readPlainHello]) {
          const value = read(Buffer.from(bytes));
          expect(value instanceof ZmtpRefusal ? value.code : 'bad-command').toBe('bad-command');
        }
      }),
      { numRuns: 1000 },
    );
  });
});
