import { describe, expect, it } from 'vitest';
import { assertSendable, payloadOf } from '../../../lib/client/letter.js';
import { readWelcome } from '../../../lib/client/welcome.js';
import { QueuedPacket } from '../../../lib/socket/queued-packet.js';
import { BatchEncoder } from '../../../lib/wire/batch-encoder.js';
import { PacketKind } from '../../../lib/wire/packet.js';
import { encodePayload } from '../../../lib/wire/payload-codec.js';
import { WELCOME } from '../../support/raw-peer.js';
import { refusalOf } from '../../support/refusal.js';

const LETTER = { route: 'sum', data: [1, 2], metadata: '{"tenant":"a"}' };

function welcomeWith(limits: object = {}, encodings: readonly string[] = ['raw', 'json']) {
  return readWelcome({ ...WELCOME, encodings, limits: { ...WELCOME.limits, ...limits } });
}

function packetWith(data: unknown, { pattern = 'p', metadata = '', encoding = 'json' as 'json' | 'msgpack' } = {}) {
  return Object.assign(new QueuedPacket(PacketKind.Request, 1, encodePayload(data, encoding)), { pattern, metadata });
}

describe('A serializer of the user', () => {
  it('sees the packet as Nest has it', () => {
    const seen: unknown[] = [];
    const serializer = { serialize: (packet: unknown) => void seen.push(packet) };
    payloadOf(serializer, 7, LETTER);
    payloadOf(serializer, 0, { ...LETTER, metadata: '' });
    expect(seen).toEqual([
      { pattern: 'sum', data: [1, 2], id: '7', metadata: { tenant: 'a' } },
      { pattern: 'sum', data: [1, 2] },
    ]);
  });

  it('may give a packet, whose fields are sent', () => {
    const serialize = () => ({ pattern: { cmd: 'x' }, data: 3, metadata: { b: 'c' }, id: 'ignored' });
    expect(payloadOf({ serialize }, 7, LETTER)).toEqual({ route: '{"cmd":"x"}', data: 3, metadata: '{"b":"c"}' });
    expect(payloadOf({ serialize: () => ({ pattern: null, data: 3 }) }, 7, LETTER)).toEqual({
      route: 'sum',
      data: 3,
      metadata: '',
    });
  });

  it('may not give metadata that would pass for signed ones', () => {
    const serialize = () => ({ pattern: 'sum', data: 1, metadata: { 'zmq-signature': 'x' } });
    expect(refusalOf(() => payloadOf({ serialize }, 7, LETTER)).code).toBe('INVALID_OPTIONS');
  });

  it.each(['text', 1, null, undefined, [1], { data: 1 }, Buffer.from('x')])(
    'may give %o, which is sent as data',
    data => {
      expect(payloadOf({ serialize: () => data }, 7, LETTER)).toEqual({ ...LETTER, data });
    },
  );
});

describe('assertSendable', () => {
  it.each(['', true, null, () => 'p', Symbol('p')])('refuses %o as a pattern', pattern => {
    const packet = packetWith(1, { pattern: pattern as string });
    expect(refusalOf(() => assertSendable(packet, welcomeWith())).code).toBe('MALFORMED');
  });

  it('lets everything pass that the server takes, up to its limits', () => {
    const welcome = welcomeWith({ maxMessageSize: 10, maxPatternLength: 4, maxMetadataSize: 9 });
    expect(() => assertSendable(packetWith(Buffer.alloc(10)), welcome)).not.toThrow();
    expect(() =>
      assertSendable(packetWith('12345678', { pattern: 'üü', metadata: '{"a":"b"}' }), welcome),
    ).not.toThrow();
    expect(() => assertSendable(packetWith(Buffer.alloc(99)), undefined)).not.toThrow();
  });

  it.each([
    ['payload', packetWith(Buffer.alloc(11)), { limit: 10, actual: 11 }],
    ['payload', packetWith('üüüüü'), { limit: 10, actual: 12 }],
    ['pattern', packetWith(1, { pattern: 'üüa' }), { limit: 4, actual: 5 }],
    ['metadata', packetWith(1, { metadata: '{"a":"bc"}' }), { limit: 9, actual: 10 }],
  ])('refuses a %s above the limit of the server, with both sizes', (what, packet, sizes) => {
    const welcome = welcomeWith({ maxMessageSize: 10, maxPatternLength: 4, maxMetadataSize: 9 });
    const { code, details } = refusalOf(() => assertSendable(packet, welcome));
    expect([code, details]).toEqual(['PAYLOAD_TOO_LARGE', { what, ...sizes }]);
  });

  it('refuses a payload above the limit of its handler alone, naming the pattern', () => {
    const welcome = welcomeWith({ maxSizes: { small: 10, '{"cmd":"none"}': 0 } });
    expect(() => assertSendable(packetWith('12345678', { pattern: 'small' }), welcome)).not.toThrow();
    expect(() => assertSendable(packetWith(undefined, { pattern: '{"cmd":"none"}' }), welcome)).not.toThrow();
    expect(() => assertSendable(packetWith(Buffer.alloc(99), { pattern: 'other' }), welcome)).not.toThrow();
    const large = refusalOf(() => assertSendable(packetWith('üüüüü', { pattern: 'small' }), welcome));
    expect(large.toJSON()).toEqual({
      code: 'PAYLOAD_TOO_LARGE',
      message: "The payload has 12 bytes, more than the 10 bytes that the server allows for 'small'.",
      details: { what: 'payload', limit: 10, actual: 12, pattern: 'small' },
    });
    const any = refusalOf(() => assertSendable(packetWith(Buffer.alloc(1), { pattern: '{"cmd":"none"}' }), welcome));
    expect(any.details).toEqual({ what: 'payload', limit: 0, actual: 1, pattern: '{"cmd":"none"}' });
  });

  it.each(['toString', 'hasOwnProperty', '__proto__', 'constructor'])('finds no limit for the pattern %s', pattern => {
    const welcome = welcomeWith({ maxSizes: { small: 10 } });
    expect(() => assertSendable(packetWith(Buffer.alloc(99), { pattern }), welcome)).not.toThrow();
  });

  it('refuses what the server refuses for all handlers, whatever it says of one', () => {
    const welcome = welcomeWith({ maxMessageSize: 10, maxSizes: { large: 1_000 } });
    const { details } = refusalOf(() => assertSendable(packetWith(Buffer.alloc(11), { pattern: 'large' }), welcome));
    expect(details).toEqual({ what: 'payload', limit: 10, actual: 11 });
  });

  it('refuses what the format cannot carry, even if a server announces to take it', () => {
    const welcome = welcomeWith({ maxPatternLength: 1_000_000, maxMetadataSize: 1_000_000 });
    const encoder = new BatchEncoder({ maxBytes: 1, maxPackets: 1, detachFrom: 1 });
    const text = (length: number) => ({ pattern: 'x'.repeat(length), metadata: 'x'.repeat(length) });
    const largest = packetWith(1, text(65_535));
    assertSendable(largest, welcome);
    expect(encoder.encode([largest], 0).count).toBe(1);
    for (const fields of [{ pattern: 'x'.repeat(65_536) }, { metadata: 'x'.repeat(65_536) }]) {
      expect(refusalOf(() => assertSendable(packetWith(1, fields), welcome)).code).toBe('PAYLOAD_TOO_LARGE');
    }
  });

  it('refuses msgpack where the server lacks it', () => {
    const packet = packetWith({ a: 1 }, { encoding: 'msgpack' });
    expect(refusalOf(() => assertSendable(packet, welcomeWith())).code).toBe('INVALID_OPTIONS');
    expect(() => assertSendable(packet, welcomeWith({}, ['raw', 'json', 'msgpack']))).not.toThrow();
  });
});
