import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCommand, readCommand, type Command } from '../../../lib/zmtp/command.js';
import { ZmtpRefusal } from '../../../lib/zmtp/refusal.js';
import { fromHex } from '../../support/wire.js';
import { readChunks } from '../../support/zmtp.js';

const REFUSED = new ZmtpRefusal('bad-command');
const anyName = fc.string({
  unit: fc.constantFrom(...Array.from('ABCXYZabcxyz0189-_.+')),
  minLength: 1,
  maxLength: 255,
});

describe('encodeCommand and readCommand', () => {
  it('give back any name and data, in one frame with the COMMAND flag', () => {
    fc.assert(
      fc.property(anyName, fc.uint8Array({ maxLength: 400 }), (name, data) => {
        const { begun, bodies } = readChunks([encodeCommand(name, data)]);
        expect(begun.map(({ flags }) => flags & ~0x02)).toEqual([0x04]);
        expect(readCommand(bodies[0]!)).toEqual({ name, data: Buffer.from(data) });
      }),
    );
  });

  it('use a short length up to 255 bytes and a long one above', () => {
    expect(encodeCommand('PONG', Buffer.alloc(250)).subarray(0, 2).toString('hex')).toBe('04ff');
    expect(encodeCommand('PONG', Buffer.alloc(251)).subarray(0, 9).toString('hex')).toBe('060000000000000100');
    expect(encodeCommand('WELCOME').toString('hex')).toBe('04080757454c434f4d45');
  });
});

describe('encodeCommand', () => {
  it.each(['', 'TWO WORDS', 'É', 'a\0', 'x'.repeat(256)])('throws for what is no name: %j', name => {
    expect(() => encodeCommand(name)).toThrow(RangeError);
  });
});

describe('readCommand', () => {
  it('does not copy the data', () => {
    const body = Buffer.from('\x04PINGabc', 'latin1');
    const { data } = readCommand(body) as Command;
    body[5] = 0x7a;
    expect(data.toString()).toBe('zbc');
  });

  it.each([
    ['nothing', ''],
    ['an empty name', '00'],
    ['an empty name before data', '00 41'],
    ['a name longer than the body', '05 52454144'],
    ['a space in the name', '03 412042'],
    ['a zero in the name', '03 410042'],
    ['a byte beyond ASCII in the name', '01 c1'],
  ])('refuses %s', (_what, hex) => {
    expect(readCommand(fromHex(hex))).toEqual(REFUSED);
  });

  it('refuses a body that ends within its name', () => {
    const body = Buffer.from('\x09SUBSCRIBE', 'latin1');
    for (let length = 0; length < body.length; length += 1) {
      expect(readCommand(body.subarray(0, length))).toEqual(REFUSED);
    }
  });

  it('is a command or a refusal for any bytes, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const command = readCommand(Buffer.from(bytes));
        const isWhole =
          !(command instanceof ZmtpRefusal) &&
          /^[A-Za-z0-9\-_.+]{1,255}$/.test(command.name) &&
          1 + command.name.length + command.data.length === bytes.length;
        expect(isWhole || command).toEqual(isWhole || REFUSED);
      }),
      { numRuns: 1000 },
    );
  });
});
