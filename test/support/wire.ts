import fc from 'fast-check';
import { BatchCursor } from '../../lib/wire/batch-cursor.js';
import { Malformed } from '../../lib/wire/malformed.js';
import { IncomingPacket, OutgoingPacket, PacketKind } from '../../lib/wire/packet.js';
import { encodePayload } from '../../lib/wire/payload-codec.js';
import type { WireLimits } from '../../lib/wire/wire-limits.js';

export const LIMITS: WireLimits = {
  maxMessageSize: 1024 * 1024,
  maxBatchPackets: 4096,
  maxPatternLength: 256,
  maxMetadataSize: 8192,
  maxDepth: 32,
  maxTokens: 100_000,
  maxNumberLength: 64,
};

/** All that a cursor yields; a hostile message must not make it go on for ever. */
export function decodeBatch(frames: readonly Buffer[], limits: WireLimits = LIMITS): (IncomingPacket | Malformed)[] {
  const cursor = new BatchCursor(frames, limits);
  const decoded: (IncomingPacket | Malformed)[] = [];
  for (let next = cursor.next(); next !== undefined; next = cursor.next()) {
    decoded.push(next);
    if (decoded.length > limits.maxBatchPackets + 1) {
      throw new Error('The cursor yields more than the limit');
    }
  }
  return decoded;
}

/** What a peer sees of a packet, in a form that can be compared. */
export function contentOf(packet: IncomingPacket | OutgoingPacket): Record<string, unknown> {
  const { kind, id, pattern, timeoutMs, window, amount, last } = packet;
  const isIncoming = packet instanceof IncomingPacket;
  const metadata = isIncoming ? (packet.metadata?.toString() ?? '') : packet.metadata;
  const encoding = isIncoming ? packet.encoding : packet.payload.encoding;
  const body = isIncoming ? packet.payload : packet.payload.body;
  const payload = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body ?? '');
  return { kind, id, pattern, timeoutMs, window, amount, last, metadata, encoding, payload: payload.toString('hex') };
}

/** Hex with any whitespace between the bytes. */
export function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/** Whether a key that decoders refuse is anywhere in the value. fast-check likes to make such keys. */
export function hasForbiddenKey(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).some(
      ([key, inner]) => ['__proto__', 'constructor', 'prototype'].includes(key) || hasForbiddenKey(inner),
    )
  );
}

/** Any JSON value that decoders accept. */
export const anyJson = fc.jsonValue({ maxDepth: 5 }).filter(value => !hasForbiddenKey(value));

const requestId = fc.integer({ min: 1, max: 0xffff_ffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
/** Without lone surrogates, which have no UTF-8. */
const text = (constraints: fc.StringConstraints) => fc.string({ unit: 'binary', ...constraints });

const payload = fc.oneof(fc.constant(undefined), fc.uint8Array({ maxLength: 200 }), fc.jsonValue({ maxDepth: 3 }));
const encoding = fc.constantFrom('json' as const, 'msgpack' as const);
const metadata = fc.oneof(fc.constant(''), fc.dictionary(text({ maxLength: 8 }), text({ maxLength: 8 })).map(toText));

function toText(value: unknown): string {
  return JSON.stringify(value);
}

/** Any packet that may be sent. */
export const anyPacket: fc.Arbitrary<OutgoingPacket> = fc.oneof(
  fc
    .record({
      id: requestId,
      payload,
      encoding,
      metadata,
      pattern: text({ minLength: 1, maxLength: 40 }),
      timeoutMs: uint32,
      window: fc.integer({ min: 0, max: 0xffff }),
    })
    .map(({ id, payload: data, encoding: preferred, ...fields }) =>
      Object.assign(new OutgoingPacket(PacketKind.Request, id, encodePayload(data, preferred)), fields),
    ),
  fc
    .record({ payload, encoding, metadata, pattern: text({ minLength: 1, maxLength: 100 }) })
    .map(({ payload: data, encoding: preferred, ...fields }) =>
      Object.assign(new OutgoingPacket(PacketKind.Event, 0, encodePayload(data, preferred)), fields),
    ),
  fc
    .record({ id: requestId, payload, encoding, last: fc.boolean() })
    .map(({ id, payload: data, encoding: preferred, last }) =>
      Object.assign(new OutgoingPacket(PacketKind.Response, id, encodePayload(data, preferred)), { last }),
    ),
  fc
    .record({ id: uint32, message: text({ maxLength: 20 }) })
    .map(({ id, message }) => new OutgoingPacket(PacketKind.Error, id, encodePayload({ code: 'X', message }, 'json'))),
  fc
    .record({ id: uint32, amount: fc.integer({ min: 1, max: 0xffff_ffff }) })
    .map(({ id, amount }) => Object.assign(new OutgoingPacket(PacketKind.Credit, id), { amount })),
  fc
    .constantFrom(PacketKind.Hello, PacketKind.Welcome)
    .map(kind => new OutgoingPacket(kind, 0, encodePayload({}, 'json'))),
  fc
    .record({ kind: fc.constantFrom(PacketKind.Complete, PacketKind.Cancel), id: requestId })
    .map(({ kind, id }) => new OutgoingPacket(kind, id)),
  fc
    .record({ kind: fc.constantFrom(PacketKind.Ping, PacketKind.Pong, PacketKind.Goaway), id: uint32 })
    .map(({ kind, id }) => new OutgoingPacket(kind, id)),
);
