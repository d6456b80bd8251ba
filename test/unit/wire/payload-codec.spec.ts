import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Malformed } from '../../../lib/wire/malformed.js';
import { NO_PAYLOAD, PayloadEncoding } from '../../../lib/wire/packet.js';
import { decodeMetadata, decodePayload, encodePayload, exactSize } from '../../../lib/wire/payload-codec.js';
import { anyJson, LIMITS } from '../../support/wire.js';

function roundTrip(value: unknown, preferred: 'json' | 'msgpack'): unknown {
  const { encoding, body } = encodePayload(value, preferred);
  return decodePayload(encoding, typeof body === 'string' ? Buffer.from(body) : Buffer.from(body ?? []), LIMITS);
}

describe('encodePayload', () => {
  it('takes binary data as it is, without a copy', () => {
    const floats = new Float64Array([1, 2]);
    const buffer = Buffer.from('abc');
    expect(encodePayload(buffer, 'json')).toEqual({ encoding: PayloadEncoding.Raw, body: buffer, maxSize: 3 });
    expect(encodePayload(buffer, 'json').body).toBe(buffer);
    expect((encodePayload(floats, 'msgpack').body as Uint8Array).buffer).toBe(floats.buffer);
    expect(encodePayload(new ArrayBuffer(5), 'json')).toMatchObject({ encoding: PayloadEncoding.Raw, maxSize: 5 });
  });

  it.each(['json', 'msgpack'] as const)('has no payload for what has no text, preferring %s', preferred => {
    for (const value of [undefined, () => 1, Symbol('x')]) {
      expect(encodePayload(value, preferred)).toBe(NO_PAYLOAD);
    }
    expect(encodePayload({ toJSON: () => undefined }, 'json')).toBe(NO_PAYLOAD);
  });

  it('throws MALFORMED for values that JSON cannot hold, and says why', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    for (const value of [1n, circular]) {
      expect(() => encodePayload(value, 'json')).toThrow(/^The value cannot be encoded as JSON: ./);
    }
  });

  it('knows the exact size in bytes', () => {
    for (const value of ['ascii', 'größe €', Buffer.from('abc'), undefined, { a: '😀' }]) {
      const payload = encodePayload(value, 'json');
      const size = Buffer.from(payload.body ?? '').length;
      expect([exactSize(payload), payload.maxSize]).toEqual([size, size]);
    }
  });
});

describe('decodePayload', () => {
  it.each(['json', 'msgpack'] as const)('gives back any JSON value sent as %s', preferred => {
    fc.assert(
      fc.property(anyJson, value => {
        expect(roundTrip(value, preferred)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('copies a small raw payload out of its frame, so that keeping it does not keep the frame', () => {
    const frame = Buffer.alloc(100_000, 1);
    const small = decodePayload(PayloadEncoding.Raw, frame.subarray(10, 20), LIMITS) as Buffer;
    expect(small.equals(frame.subarray(10, 20))).toBe(true);
    expect(small.buffer).not.toBe(frame.buffer);
    expect((decodePayload(PayloadEncoding.Raw, frame.subarray(0, 4096), LIMITS) as Buffer).buffer).toBe(frame.buffer);
  });

  it.each([PayloadEncoding.Json, PayloadEncoding.MsgPack])('refuses an empty payload of encoding %i', encoding => {
    expect(decodePayload(encoding, Buffer.alloc(0), LIMITS)).toBeInstanceOf(Malformed);
  });
});

describe('decodeMetadata', () => {
  it('is a flat object of strings', () => {
    expect(decodeMetadata(Buffer.from('{"trace":"1","empty":""}'), LIMITS)).toEqual({ trace: '1', empty: '' });
  });

  it.each(['{"a":1}', '{"a":{}}', '["a"]', '"a"', 'null', '', '{', '{"__proto__":"x"}'])('refuses %s', text => {
    expect(decodeMetadata(Buffer.from(text), LIMITS)).toBeInstanceOf(Malformed);
  });

  it('refuses more than maxMetadataSize', () => {
    const text = JSON.stringify({ a: 'x'.repeat(LIMITS.maxMetadataSize) });
    expect(decodeMetadata(Buffer.from(text), LIMITS)).toEqual(new Malformed('metadata too large'));
  });
});
