import { ZmqException } from '../errors/zmq.exception.js';
import { BATCH_MARK, PacketKind, PayloadEncoding, type OutgoingPacket } from './packet.js';
import { Flag, HEADER_BYTES } from './packet-header.js';
import { MAX_SCRATCH_BYTES, scratchOf, takeWritten } from './scratch.js';
import { MAX_METADATA_BYTES, MAX_PATTERN_BYTES } from './wire-limits.js';

export interface BatchEncoderOptions {
  /** Bytes of a message. A soft bound: a batch always takes at least one packet. */
  readonly maxBytes: number;
  readonly maxPackets: number;
  /** Raw payloads of at least this many bytes travel as their own frame, without a copy. */
  readonly detachFrom: number;
}

export interface EncodedBatch {
  /** The batch, and the detached payload if there is one. */
  readonly frames: Buffer[];
  /** How many packets of the queue are in it. */
  readonly count: number;
  /** Of all frames. */
  readonly bytes: number;
}

/** Timeout u32, window u16, length of the pattern u16, length of the metadata u16. */
const MAX_FIXED_BODY_BYTES = 10;

/** Bytes of a batch beyond which more packets go into the next one. */
export const MAX_BATCH_BYTES = 64 * 1024;
/** Raw payloads of this size are sent as they are, as a frame of their own, instead of being copied into the batch. */
export const DETACH_FROM_BYTES = 16 * 1024;

/** Packs queued packets into messages. Keeps nothing between two calls, so one encoder may serve any number of peers. */
export class BatchEncoder {
  constructor(private readonly options: BatchEncoderOptions) {}

  get maxPackets(): number {
    return Math.max(1, this.options.maxPackets);
  }

  /**
   * Encodes `queue[from..end]` until a limit is reached or a detached payload ends the batch.
   *
   * @throws ZmqException `MALFORMED` if a pattern or metadata does not fit its u16 length; whoever fills the queue checks that.
   */
  encode(queue: readonly OutgoingPacket[], from: number, end = queue.length): EncodedBatch {
    const { maxPackets } = this;
    const { detachFrom } = this.options;
    // Packets beyond what the scratch may hold would have it copied again for each of them.
    const maxBytes = Math.min(this.options.maxBytes, MAX_SCRATCH_BYTES);
    const until = Math.min(end, from + maxPackets);
    let scratch = scratchOf(0);
    let used = 1;
    for (let index = from; index < until; index += 1) {
      const packet = queue[index]!;
      const { payload } = packet;
      const bound =
        HEADER_BYTES + MAX_FIXED_BODY_BYTES + 3 * (packet.pattern.length + packet.metadata.length) + payload.maxSize;
      if (index > from && used + bound > maxBytes) {
        return finish(scratch, used, index - from);
      }
      const detached = detachedPayload(packet, detachFrom);
      const needed = used + bound - (detached?.length ?? 0);
      if (needed > scratch.length) {
        scratch = scratchOf(needed, scratch.subarray(0, used));
      }
      used = writePacket(scratch, used, packet, detached !== undefined);
      if (detached !== undefined) {
        return finish(scratch, used, index - from + 1, detached);
      }
    }
    return finish(scratch, used, until - from);
  }
}

function finish(scratch: Buffer, used: number, count: number, detached?: Buffer): EncodedBatch {
  scratch[0] = BATCH_MARK;
  const batch = takeWritten(scratch, used);
  return detached === undefined
    ? { frames: [batch], count, bytes: used }
    : { frames: [batch, detached], count, bytes: used + detached.length };
}

function detachedPayload({ kind, payload }: OutgoingPacket, detachFrom: number): Buffer | undefined {
  const { body, encoding } = payload;
  if (encoding !== PayloadEncoding.Raw || typeof body !== 'object' || body.byteLength < detachFrom) {
    return undefined;
  }
  if (kind !== PacketKind.Request && kind !== PacketKind.Event && kind !== PacketKind.Response) {
    return undefined;
  }
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** Writes one packet at `start` and returns where it ends. The target is known to be large enough. */
function writePacket(target: Buffer, start: number, packet: OutgoingPacket, detached: boolean): number {
  const { kind, id, payload, metadata } = packet;
  const isRequest = kind === PacketKind.Request;
  const isRouted = isRequest || kind === PacketKind.Event;
  let flags: number = payload.encoding;
  let at = start + HEADER_BYTES;
  if (isRequest) {
    at = writeUint32(target, at, packet.timeoutMs);
    at = writeUint16(target, at, packet.window);
  }
  if (isRouted) {
    at = writeShortText(target, at, packet.pattern, MAX_PATTERN_BYTES, 'The pattern');
    if (metadata !== '') {
      flags |= Flag.Metadata;
      at = writeShortText(target, at, metadata, MAX_METADATA_BYTES, 'The metadata');
    }
  } else if (kind === PacketKind.Credit) {
    at = writeUint32(target, at, packet.amount);
  } else if (kind === PacketKind.Response && packet.last) {
    flags |= Flag.Last;
  }
  if (detached) {
    flags |= Flag.Detached;
  } else {
    at = writePayload(target, at, packet);
  }
  target[start] = kind;
  target[start + 1] = flags;
  writeUint32(target, start + 2, id);
  writeUint32(target, start + 6, at - start - HEADER_BYTES);
  return at;
}

function writePayload(target: Buffer, at: number, { payload: { body, maxSize } }: OutgoingPacket): number {
  if (body === undefined) {
    return at;
  }
  if (typeof body !== 'string') {
    target.set(body, at);
    return at + body.byteLength;
  }
  // The bound equals the length only if every character is one byte, and latin1 is the faster copy.
  return at + (maxSize === body.length ? target.write(body, at, maxSize, 'latin1') : target.write(body, at, 'utf8'));
}

/** Text after its length as u16. Patterns and metadata are short and nearly always ASCII, where a loop beats a native call. */
function writeShortText(target: Buffer, start: number, text: string, maxBytes: number, what: string): number {
  const { length } = text;
  let at = start + 2;
  let index = 0;
  if (length <= 48) {
    for (; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        break;
      }
      target[at + index] = code;
    }
  }
  at += index === length ? length : target.write(text, at, 'utf8');
  if (at - start - 2 > maxBytes) {
    throw new ZmqException('MALFORMED', `${what} is longer than ${maxBytes} bytes`);
  }
  writeUint16(target, start, at - start - 2);
  return at;
}

function writeUint16(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 8;
  target[at + 1] = value;
  return at + 2;
}

function writeUint32(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}
