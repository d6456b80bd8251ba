import { isUtf8 } from 'node:buffer';
import { Malformed } from './malformed.js';
import { BATCH_MARK, IncomingPacket, PacketKind, PayloadEncoding } from './packet.js';
import { Flag, HEADER_BYTES, IdRule, PACKET_RULES } from './packet-header.js';
import type { WireLimits } from './wire-limits.js';

const EMPTY = Buffer.alloc(0);
const REQUEST_FIXED_BYTES = 8;
const EVENT_FIXED_BYTES = 2;

/**
 * Decodes one binary message packet by packet, so that the reader can stop, answer and yield between two of them.
 * Nothing is copied: payloads and metadata are views into the frames. See `docs/wire-protocol.md`.
 */
export class BatchCursor {
  private readonly batch: Buffer;
  private readonly detached: Buffer | undefined;
  private offset = 1;
  private count = 0;
  private ended = false;

  /** @param frames the batch frame and, if a payload was detached, its frame; a delimiter is already taken off. */
  constructor(
    readonly frames: readonly Buffer[],
    private readonly limits: WireLimits,
  ) {
    this.batch = frames[0] ?? EMPTY;
    this.detached = frames[1];
  }

  /** The next packet; `undefined` at the end. Nothing follows a {@link Malformed}. */
  next(): IncomingPacket | Malformed | undefined {
    if (this.ended) {
      return undefined;
    }
    const next = this.count === 0 ? this.first() : this.packet();
    if (!(next instanceof IncomingPacket)) {
      this.ended = true;
    }
    return next;
  }

  private first(): IncomingPacket | Malformed | undefined {
    if (this.frames.length > 2) {
      return new Malformed('a message has at most two frames');
    }
    if (this.batch[0] !== BATCH_MARK) {
      return new Malformed('neither a binary batch nor JSON');
    }
    if (this.batch.length === 1) {
      return new Malformed('empty batch');
    }
    return this.packet();
  }

  private packet(): IncomingPacket | Malformed | undefined {
    const { batch, offset } = this;
    const start = offset + HEADER_BYTES;
    if (start > batch.length) {
      return offset === batch.length ? undefined : new Malformed('truncated packet header');
    }
    if (this.count === this.limits.maxBatchPackets) {
      return new Malformed('too many packets in a batch', undefined, 'batch-too-large');
    }
    this.count += 1;
    const kind = batch[offset] as PacketKind;
    const flags = batch[offset + 1]!;
    const id = readUint32(batch, offset + 2);
    const end = start + readUint32(batch, offset + 6);
    const rule = PACKET_RULES[kind];
    if (rule === undefined) {
      return new Malformed('unknown kind of packet');
    }
    if (rule.id !== IdRule.Either && (id === 0) !== (rule.id === IdRule.Session)) {
      return new Malformed('wrong id for this kind of packet', undefined, 'correlation-id');
    }
    if ((flags & ~rule.flags) !== 0) {
      return malformed('unknown or misplaced flags', id);
    }
    if (end > batch.length) {
      return malformed('packet longer than its frame', id);
    }
    const isDetached = (flags & Flag.Detached) !== 0;
    if (isDetached !== (end === batch.length && this.detached !== undefined)) {
      return malformed('a detached payload goes with the last packet, as the second frame', id);
    }
    this.offset = end;
    return this.body({ kind, flags, id, start, end });
  }

  private body(header: Header): IncomingPacket | Malformed {
    switch (header.kind) {
      case PacketKind.Request:
        return this.request(header);
      case PacketKind.Event:
        return this.event(header);
      case PacketKind.Response:
        return this.payload(header, header.start);
      case PacketKind.Hello:
      case PacketKind.Welcome:
      case PacketKind.Error:
        return (header.flags & Flag.Encoding) === PayloadEncoding.Json
          ? this.payload(header, header.start)
          : malformed('this kind of packet carries JSON', header.id);
      case PacketKind.Credit:
        return this.credit(header);
      case PacketKind.Complete:
      case PacketKind.Cancel:
      case PacketKind.Ping:
      case PacketKind.Pong:
      case PacketKind.Goaway:
        return header.start === header.end
          ? this.payload(header, header.start)
          : malformed('this kind of packet has no body', header.id);
      default:
        return header.kind satisfies never;
    }
  }

  private credit({ kind, id, start, end }: Header): IncomingPacket | Malformed {
    const packet = new IncomingPacket(kind, id, PayloadEncoding.None, false, EMPTY, 0, 0);
    packet.amount = end - start === 4 ? readUint32(this.batch, start) : 0;
    return packet.amount > 0 ? packet : malformed('credit is a positive u32', id);
  }

  private request(header: Header): IncomingPacket | Malformed {
    const { start, end, id } = header;
    if (end - start < REQUEST_FIXED_BYTES) {
      return malformed('truncated packet body', id);
    }
    const packet = this.routed(header, start + REQUEST_FIXED_BYTES - 2);
    if (packet instanceof IncomingPacket) {
      packet.timeoutMs = readUint32(this.batch, start);
      packet.window = readUint16(this.batch, start + 4);
    }
    return packet;
  }

  private event(header: Header): IncomingPacket | Malformed {
    return header.end - header.start < EVENT_FIXED_BYTES
      ? malformed('truncated packet body', header.id)
      : this.routed(header, header.start);
  }

  /** Pattern, metadata and payload, from the pattern's length on. */
  private routed(header: Header, at: number): IncomingPacket | Malformed {
    const { batch, limits } = this;
    const { flags, id, end } = header;
    const patternEnd = at + 2 + readUint16(batch, at);
    const metadataStart = patternEnd + ((flags & Flag.Metadata) === 0 ? 0 : 2);
    if (metadataStart > end) {
      return malformed('truncated packet body', id);
    }
    if (patternEnd - at - 2 > limits.maxPatternLength) {
      return malformed('pattern too long', id);
    }
    const pattern = decodePattern(batch, at + 2, patternEnd);
    if (pattern === undefined) {
      return malformed('a pattern is non-empty UTF-8', id);
    }
    const metadataEnd = metadataStart + (metadataStart === patternEnd ? 0 : readUint16(batch, patternEnd));
    if (metadataEnd > end) {
      return malformed('truncated packet body', id);
    }
    if (metadataEnd - metadataStart > limits.maxMetadataSize) {
      return malformed('metadata too large', id);
    }
    const packet = this.payload(header, metadataEnd);
    if (packet instanceof IncomingPacket) {
      packet.pattern = pattern;
      packet.metadata = metadataStart === patternEnd ? undefined : batch.subarray(metadataStart, metadataEnd);
    }
    return packet;
  }

  private payload({ kind, flags, id, end }: Header, start: number): IncomingPacket | Malformed {
    const encoding = (flags & Flag.Encoding) as PayloadEncoding;
    const last = (flags & Flag.Last) !== 0;
    if ((flags & Flag.Detached) !== 0) {
      return start === end && encoding !== PayloadEncoding.None
        ? new IncomingPacket(kind, id, encoding, last, this.detached!, 0, this.detached!.length)
        : malformed('a detached payload has an encoding and no bytes in the body', id);
    }
    if (encoding === PayloadEncoding.None && start !== end) {
      return malformed('payload without encoding', id);
    }
    return new IncomingPacket(kind, id, encoding, last, this.batch, start, end);
  }
}

interface Header {
  readonly kind: PacketKind;
  readonly flags: number;
  readonly id: number;
  /** The body: from `start` up to `end`. */
  readonly start: number;
  readonly end: number;
}

function malformed(reason: string, id: number): Malformed {
  return id === 0 ? new Malformed(reason) : new Malformed(reason, id);
}

function readUint16(bytes: Buffer, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function readUint32(bytes: Buffer, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function decodePattern(bytes: Buffer, start: number, end: number): string | undefined {
  if (start === end) {
    return undefined;
  }
  let bits = 0;
  for (let index = start; index < end; index += 1) {
    bits |= bytes[index]!;
  }
  if (bits < 0x80) {
    return bytes.toString('latin1', start, end);
  }
  return isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : undefined;
}
