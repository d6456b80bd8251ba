import fc from 'fast-check';
import { BatchCursor } from '../../../lib/wire/batch-cursor.js';
import { BATCH_MARK, IncomingPacket, OutgoingPacket, PacketKind } from '../../../lib/wire/packet.js';
import { decodeMetadata, decodePacketPayload, encodePayload } from '../../../lib/wire/payload-codec.js';
import { Malformed } from '../../../lib/wire/malformed.js';
import { BatchEncoder } from '../../../lib/wire/batch-encoder.js';
import { LIMITS } from '../../support/wire.js';
import type { FuzzTarget } from '../fuzz-target.js';

const STRICT = { ...LIMITS, maxTokens: 2_000 };

/** The first two bytes say how many bytes at the end are a frame of their own; the rest is a batch. */
export function fuzz(data: Buffer): void {
  if (data.length < 2) {
    return;
  }
  const bytes = data.subarray(2);
  const detached = Math.min(bytes.length, data.readUInt16BE(0));
  const batch = bytes.subarray(0, bytes.length - detached);
  const frames = detached === 0 ? [batch] : [batch, bytes.subarray(bytes.length - detached)];
  const cursor = new BatchCursor(frames, STRICT);
  let payload = 0;
  for (let next = cursor.next(); next !== undefined; next = cursor.next()) {
    if (next instanceof Malformed) {
      if (cursor.next() !== undefined) {
        throw new Error('Something follows what is malformed');
      }
      return;
    }
    payload += check(next);
  }
  if (payload > bytes.length) {
    throw new Error('The packets have more bytes than their frames');
  }
}

function check(packet: IncomingPacket): number {
  const { start, end, frame, metadata, pattern } = packet;
  if (start < 0 || end < start || end > frame.length || pattern.length > STRICT.maxPatternLength) {
    throw new Error('A packet reaches beyond its frame or limits');
  }
  const value = decodePacketPayload(packet, STRICT);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null) {
    throw new Error('A payload has no prototype');
  }
  if (metadata !== undefined) {
    decodeMetadata(metadata, STRICT);
  }
  return packet.size;
}

const encoder = new BatchEncoder({ maxBytes: 1 << 24, maxPackets: 65_536, detachFrom: 1 << 30 });

const batchOf = (...packets: readonly OutgoingPacket[]) => encoder.encode(packets, 0).frames[0] as Buffer;

function packetOf(kind: PacketKind, id: number, data: unknown, fields: Partial<OutgoingPacket> = {}): OutgoingPacket {
  return Object.assign(new OutgoingPacket(kind, id, encodePayload(data, 'json')), fields);
}

const anyPacket = fc.oneof(
  fc
    .record({
      id: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      pattern: fc.string({ minLength: 1, maxLength: 40 }),
      data: fc.jsonValue(),
    })
    .map(({ id, pattern, data }) => packetOf(PacketKind.Request, id, data, { pattern })),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.uint8Array({ maxLength: 50 }))
    .map(([pattern, data]) => packetOf(PacketKind.Event, 0, data, { pattern })),
  fc
    .tuple(fc.nat(2 ** 32 - 1), fc.integer({ min: 1, max: 2 ** 32 - 1 }))
    .map(([id, amount]) => packetOf(PacketKind.Credit, id, undefined, { amount })),
  fc.tuple(fc.constantFrom(...Object.values(PacketKind)), fc.nat(3)).map(([kind, id]) => packetOf(kind, id, undefined)),
  fc.jsonValue().map(hello => packetOf(PacketKind.Hello, 0, hello)),
);

/** One packet whose payload claims to be MessagePack. */
function msgpackEvent(payload: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([0, 1, 0x70]), payload]);
  const head = Buffer.alloc(11);
  head[0] = BATCH_MARK;
  head[1] = PacketKind.Event;
  head[2] = 3;
  head.writeUInt32BE(body.length, 7);
  return Buffer.concat([head, body]);
}

const withoutDetached = (batch: Buffer) => Buffer.concat([Buffer.alloc(2), batch]);

export const target: FuzzTarget = {
  fuzz,
  allocation: { base: 4 * 1024 ** 2, factor: 400 },
  maxBytes: 16 * 1024,
  arbitrary: fc.oneof(
    fc.array(anyPacket, { minLength: 1, maxLength: 12 }).map(packets => withoutDetached(batchOf(...packets))),
    fc.uint8Array({ maxLength: 60 }).map(payload => withoutDetached(msgpackEvent(payload))),
  ),
  seeds: () =>
    [
      batchOf(packetOf(PacketKind.Hello, 0, { version: 1, limits: { maxMessageSize: 1024 } })),
      batchOf(
        packetOf(PacketKind.Request, 1, [1, 2, 3], { pattern: 'sum' }),
        packetOf(PacketKind.Event, 0, { a: 'ü' }, { pattern: 'seen' }),
        packetOf(PacketKind.Credit, 1, undefined, { amount: 5 }),
      ),
      batchOf(packetOf(PacketKind.Ping, 0, undefined), packetOf(PacketKind.Cancel, 3, undefined)),
      msgpackEvent(Buffer.from([0x93, 1, 2, 3])),
      msgpackEvent(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
      msgpackEvent(Buffer.from([0xdf, 0x00, 0xff, 0xff, 0xff, 0xa1, 0x61])),
      msgpackEvent(Buffer.from([0x82, 0xa9, ...Buffer.from('__proto__'), 0x80, 0xa1, 0x61, 0xc0])),
      msgpackEvent(Buffer.alloc(60, 0x91)),
    ].map(withoutDetached),
};
