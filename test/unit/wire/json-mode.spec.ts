import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJsonMessage, encodeJsonReply, type JsonIncoming } from '../../../lib/wire/json-mode.js';
import { Malformed } from '../../../lib/wire/malformed.js';
import { LIMITS } from '../../support/wire.js';

const decodeText = (text: string, limits: Partial<typeof LIMITS> = {}) =>
  decodeJsonMessage(Buffer.from(text), { ...LIMITS, ...limits });
const decode = (value: unknown, limits: Partial<typeof LIMITS> = {}) => decodeText(JSON.stringify(value), limits);
const decodeOne = (value: unknown) => (decode(value) as readonly JsonIncoming[])[0];

describe('decodeJsonMessage', () => {
  it('decodes a request, an event and a cancellation', () => {
    expect(decode({ id: 'a', pattern: 'echo', data: 1, timeout: 500, metadata: { k: 'v' } })).toEqual([
      { kind: 'request', id: 'a', pattern: 'echo', data: 1, timeoutMs: 500, metadata: { k: 'v' } },
    ]);
    expect(decodeOne({ pattern: { cmd: 'x' } })).toEqual({ kind: 'event', pattern: { cmd: 'x' }, data: undefined });
    expect(decodeOne({ id: 'a', cancel: true })).toEqual({ kind: 'cancel', id: 'a' });
  });

  it('has no timeout unless one is given', () => {
    expect(decodeOne({ id: 'a', pattern: 1, data: null })).toEqual({
      kind: 'request',
      id: 'a',
      pattern: 1,
      data: null,
      timeoutMs: 0,
    });
  });

  it('decodes an array, serving the right items beside the wrong ones', () => {
    const items = decode([{ id: 'a', pattern: 'p' }, { id: 'b', pattern: null }, 3, { pattern: 'q' }]);
    expect(items).toEqual([
      expect.objectContaining({ kind: 'request', id: 'a' }),
      new Malformed('pattern is a non-empty string, a number or an object', 'b'),
      new Malformed('a packet is an object'),
      expect.objectContaining({ kind: 'event' }),
    ]);
  });

  it('accepts whitespace before and after', () => {
    expect(decodeText(' \n\t{"pattern":"p"}\r\n')).toHaveLength(1);
  });

  it('ignores fields that it does not know', () => {
    expect(decodeOne({ pattern: 'p', extra: 1 })).toEqual({ kind: 'event', pattern: 'p', data: undefined });
  });

  it('decodes base64 data into a Buffer', () => {
    expect(decodeOne({ pattern: 'p', data: { $base64: 'AAEC/w==' } })).toMatchObject({
      data: Buffer.from([0, 1, 2, 255]),
    });
    expect(decodeOne({ pattern: 'p', data: { $base64: '' } })).toMatchObject({ data: Buffer.alloc(0) });
  });

  it('leaves data alone that only looks like base64', () => {
    for (const data of [{ $base64: 1 }, { $base64: 'AA==', more: 1 }, [{ $base64: 'AA==' }]]) {
      expect(decodeOne({ pattern: 'p', data })).toMatchObject({ data });
    }
  });

  it.each(['A', 'AA', 'AA=', '!!!!', 'AB==', 'AA-_', ' AAA'])('refuses the base64 %j', text => {
    expect(decodeOne({ id: 'a', pattern: 'p', data: { $base64: text } })).toEqual(new Malformed('invalid base64', 'a'));
  });

  it.each([
    ['A21: an id above 64 characters', { id: 'x'.repeat(65), pattern: 'p' }],
    ['A21: an empty id', { id: '', pattern: 'p' }],
    ['A21: an id that is no string', { id: 1, pattern: 'p' }],
    ['A21: a null id', { id: null, pattern: 'p' }],
    ['an empty pattern', { pattern: '' }],
    ['no pattern', { data: 1 }],
    ['a boolean pattern', { pattern: true }],
    ['A19: a pattern above maxPatternLength', { pattern: '€'.repeat(86) }],
    ['A19: an object pattern above maxPatternLength', { pattern: { cmd: 'x'.repeat(250) } }],
    ['metadata that is not flat', { pattern: 'p', metadata: { a: {} } }],
    ['metadata that is an array', { pattern: 'p', metadata: ['a'] }],
    ['metadata above maxMetadataSize', { pattern: 'p', metadata: { a: 'x'.repeat(8192) } }],
    ['a negative timeout', { id: 'a', pattern: 'p', timeout: -1 }],
    ['a fractional timeout', { id: 'a', pattern: 'p', timeout: 1.5 }],
    ['a timeout on an event', { pattern: 'p', timeout: 1 }],
    ['a cancellation without id', { cancel: true }],
    ['a cancellation that is not true', { id: 'a', cancel: 1 }],
    ['a cancellation with a pattern', { id: 'a', cancel: true, pattern: 'p' }],
    ['an array in an array', [[]]],
  ])('refuses %s', (_, value) => {
    expect(decode(value)).toEqual([expect.any(Malformed)]);
  });

  it.each(['', '{', '[]', '{"pattern":"p"}x', '[{"pattern":"p"},]'])('refuses the whole message %j', text => {
    expect(decodeText(text)).toBeInstanceOf(Malformed);
  });

  it('A16: bounds the depth of data, not counting its own envelope', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    const limits = { maxDepth: 3 };
    expect(decodeText(`{"pattern":"p","data":${nested(3)}}`, limits)).toHaveLength(1);
    expect(decodeText(`[{"pattern":"p","data":${nested(3)}}]`, limits)).toHaveLength(1);
    expect(decodeText(`{"pattern":"p","data":${nested(4)}}`, limits)).toBeInstanceOf(Malformed);
    expect(decodeText('['.repeat(1_000_000))).toEqual(new Malformed('nested too deeply'));
  });

  it('A18: refuses an array above maxBatchPackets', () => {
    const packets = Array.from({ length: 11 }, () => ({ pattern: 'p' }));
    expect(decode(packets, { maxBatchPackets: 10 })).toEqual(
      new Malformed('too many packets in a batch', undefined, 'batch-too-large'),
    );
    expect(decode(packets, { maxBatchPackets: 11 })).toHaveLength(11);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('A22: refuses the key %s in data, metadata and envelope', key => {
    for (const text of [
      `{"pattern":"p","data":{"${key}":{}}}`,
      `{"pattern":"p","metadata":{"${key}":"x"}}`,
      `{"pattern":"p","${key}":1}`,
    ]) {
      expect(decodeText(text)).toEqual(new Malformed('forbidden key'));
    }
  });

  it('is packets or Malformed for any JSON and any bytes, never an exception', () => {
    const field = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('p', 'x', true, 1),
      fc.record({ $base64: fc.base64String() }),
    );
    const packet = fc.record(
      { id: field, pattern: field, data: field, metadata: field, timeout: field, cancel: field },
      { requiredKeys: [] },
    );
    const message = fc
      .oneof(packet, fc.array(fc.oneof(packet, field)), field)
      .map(value => Buffer.from(JSON.stringify(value)));
    const anyBytes = fc.oneof(
      message,
      fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(anyBytes, bytes => {
        const decoded = decodeJsonMessage(bytes, LIMITS);
        expect(decoded instanceof Malformed || decoded.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('encodeJsonReply', () => {
  it('marks the last value', () => {
    expect(encodeJsonReply({ id: 'a', response: { x: 1 }, last: true })).toBe(
      '{"id":"a","response":{"x":1},"isDisposed":true}',
    );
    expect(encodeJsonReply({ id: 'a', response: 1, last: false })).toBe('{"id":"a","response":1}');
    expect(encodeJsonReply({ id: 'a', last: true })).toBe('{"id":"a","isDisposed":true}');
  });

  it('wraps binary data as base64', () => {
    const expected = '{"id":"a","response":{"$base64":"AAH/"},"isDisposed":true}';
    expect(encodeJsonReply({ id: 'a', response: Buffer.from([0, 1, 255]), last: true })).toBe(expected);
    expect(encodeJsonReply({ id: 'a', response: new Uint8Array([9, 0, 1, 255]).subarray(1), last: true })).toBe(
      expected,
    );
  });

  it('ends with an error, also where no id is known', () => {
    const error = { code: 'MALFORMED', message: 'no' };
    expect(encodeJsonReply({ id: 'a', error, last: true })).toBe(
      '{"id":"a","err":{"code":"MALFORMED","message":"no"},"status":"error","isDisposed":true}',
    );
    expect(JSON.parse(encodeJsonReply({ id: undefined, error, last: true }))).not.toHaveProperty('id');
  });

  it('throws MALFORMED for a response without JSON form', () => {
    expect(() => encodeJsonReply({ id: 'a', response: { n: 1n }, last: true })).toThrow(
      /^The value cannot be encoded as JSON: ./,
    );
  });
});
