import fc from 'fast-check';
import { constants } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { parseBoundedJson } from '../../../lib/wire/bounded-json.js';
import { Malformed } from '../../../lib/wire/malformed.js';
import { hasForbiddenKey, LIMITS } from '../../support/wire.js';

const parse = (text: string, limits: Partial<typeof LIMITS> = {}) =>
  parseBoundedJson(Buffer.from(text), { ...LIMITS, ...limits });

/** What the platform makes of it; `undefined` if it is no JSON in UTF-8. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

const toExpected = (value: unknown): unknown => (value === undefined ? expect.any(Malformed) : value);

/** A key or string with some of its characters written as escapes. */
const escapedText = fc
  .tuple(
    fc.constantFrom('__proto__', 'constructor', 'prototype', 'proto', 'constructors', '_"\\:'),
    fc.infiniteStream(fc.nat(2)),
  )
  .map(([word, choices]) =>
    Array.from(word, character => {
      const isEscaped = choices.next().value === 0;
      const code = character.charCodeAt(0).toString(16).padStart(4, '0');
      return isEscaped ? `\\u${code}` : JSON.stringify(character).slice(1, -1);
    }).join(''),
  );

describe('parseBoundedJson', () => {
  it('is JSON.parse for any ordinary value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), text => {
        const parsed = JSON.parse(text) as unknown;
        const expected = hasForbiddenKey(parsed) ? new Malformed('forbidden key') : parsed;
        expect(parse(text)).toEqual(expected);
      }),
    );
  });

  it('is a value or Malformed for any bytes, never an exception', () => {
    const anyText = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom(...Array.from('{}[]:,"\\u0eE-+.1 truefalsn\n')), maxLength: 60 })
        .map(text => Buffer.from(text)),
    );
    fc.assert(
      fc.property(anyText, bytes => {
        expect(parseBoundedJson(Buffer.from(bytes), LIMITS)).toEqual(toExpected(parsed(bytes)));
      }),
      { numRuns: 2000 },
    );
  });

  it('counts brackets, commas and digits inside strings for nothing', () => {
    const text = JSON.stringify(`[[[[{{{{,,,,::::"\\"\\\\${'1'.repeat(100)}`);
    expect(parse(text, { maxDepth: 1, maxTokens: 1 })).toBe(JSON.parse(text));
  });

  it('A16: refuses 1 MB of open brackets', () => {
    expect(parse('['.repeat(1024 * 1024))).toEqual(new Malformed('nested too deeply'));
    expect(parse('{"a":'.repeat(200_000))).toEqual(new Malformed('nested too deeply'));
  });

  it('A16: refuses what is nested deeper than maxDepth, and not what is as deep', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parse(nested(32))).not.toBeInstanceOf(Malformed);
    expect(parse(nested(33))).toEqual(new Malformed('nested too deeply'));
  });

  it('A16: refuses more values than maxTokens', () => {
    expect(parse(`[${'{},'.repeat(300_000)}{}]`)).toEqual(new Malformed('too many values'));
    expect(parse('[1,2,3]', { maxTokens: 3 })).toEqual([1, 2, 3]);
    expect(parse('[1,2,3,4]', { maxTokens: 3 })).toEqual(new Malformed('too many values'));
  });

  it('A16: refuses numbers longer than maxNumberLength', () => {
    expect(parse('1'.repeat(1024 * 1024))).toEqual(new Malformed('number too long'));
    expect(parse(`[-1.${'0'.repeat(62)}]`)).toEqual(new Malformed('number too long'));
    expect(parse(`1e${'0'.repeat(64)}`)).toEqual(new Malformed('number too long'));
    expect(parse('1'.repeat(64))).toBe(Number('1'.repeat(64)));
  });

  it.each(['__proto__', 'constructor', 'prototype'])('A22: refuses the key %s anywhere', key => {
    for (const text of [`{"${key}":1}`, `[{"a":{"${key}" \n: {}}}]`, `{"a":"${key}","${key}":"a"}`]) {
      expect(parse(text)).toEqual(new Malformed('forbidden key'));
    }
    expect(parse(`["${key}",{"a":"${key}","${key}s":1}]`)).not.toBeInstanceOf(Malformed);
  });

  it('A22: refuses forbidden keys however they are escaped, and no others', () => {
    expect(parse('{"\\u005f_proto__":{"polluted":true}}')).toEqual(new Malformed('forbidden key'));
    fc.assert(
      fc.property(escapedText, escapedText, (key, value) => {
        const text = `{"a":["${value}"],"${key}":"${value}"}`;
        expect(parse(text) instanceof Malformed).toBe(hasForbiddenKey(JSON.parse(text)));
      }),
    );
  });

  it('refuses invalid UTF-8 and accepts U+FFFD that was sent as such', () => {
    expect(parseBoundedJson(Buffer.from([0x22, 0xff, 0x22]), LIMITS)).toEqual(new Malformed('invalid UTF-8'));
    expect(parse('"\ufffd"')).toBe('\ufffd');
  });

  it('refuses what is too long for any string, whatever size is allowed', () => {
    const bytes = Buffer.alloc(constants.MAX_STRING_LENGTH + 1);
    bytes[0] = 0x22;
    expect(parseBoundedJson(bytes, LIMITS)).toEqual(new Malformed('longer than any text can be'));
  });
});
