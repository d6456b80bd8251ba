import { ZmqException } from '../errors/zmq.exception.js';
import { smallBuffer } from '../limits/small-buffer.js';
import { parseBoundedJson } from './bounded-json.js';
import { Malformed } from './malformed.js';
import { decodeMsgPack, encodeMsgPack } from './msgpack.js';
import { NO_PAYLOAD, PayloadEncoding, type EncodedPayload, type IncomingPacket } from './packet.js';
import type { WireLimits } from './wire-limits.js';

/** Below this, a copy costs less than the frame that a view would keep alive. */
export const MIN_VIEW_BYTES = 4096;

/**
 * Binary data as it is (no copy: do not change it before it is sent), `undefined` and what JSON has no text for
 * (functions, symbols) as no payload, all else in the preferred encoding.
 *
 * @throws ZmqException `MALFORMED` if the value cannot be encoded, `INVALID_OPTIONS` if msgpackr is not installed
 */
export function encodePayload(value: unknown, preferred: 'json' | 'msgpack'): EncodedPayload {
  const bytes = bytesOf(value);
  if (bytes !== undefined) {
    return { encoding: PayloadEncoding.Raw, body: bytes, maxSize: bytes.byteLength };
  }
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    return NO_PAYLOAD;
  }
  if (preferred === 'msgpack') {
    const body = encodeMsgPack(value);
    return { encoding: PayloadEncoding.MsgPack, body, maxSize: body.byteLength };
  }
  const body = toJsonText(value);
  return body === undefined ? NO_PAYLOAD : { encoding: PayloadEncoding.Json, body, maxSize: Buffer.byteLength(body) };
}

/** Bytes that the payload takes on the wire. */
export function exactSize({ body }: EncodedPayload): number {
  if (body === undefined) {
    return 0;
  }
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
}

/** The value of a payload whose size the caller has checked. Raw payloads stay a Buffer. */
export function decodePayload(encoding: PayloadEncoding, bytes: Buffer, limits: WireLimits): unknown {
  switch (encoding) {
    case PayloadEncoding.None:
      return undefined;
    case PayloadEncoding.Raw:
      return bytes.length < MIN_VIEW_BYTES && bytes.length < bytes.buffer.byteLength ? copyOf(bytes) : bytes;
    case PayloadEncoding.Json:
      return parseBoundedJson(bytes, limits);
    case PayloadEncoding.MsgPack:
      return decodeMsgPack(bytes, limits);
    default:
      return encoding satisfies never;
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = smallBuffer(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** The value of a packet's payload, decoded where it lies. */
export function decodePacketPayload(packet: IncomingPacket, limits: WireLimits): unknown {
  return packet.encoding === PayloadEncoding.Json
    ? parseBoundedJson(packet.frame, limits, packet.start, packet.end)
    : decodePayload(packet.encoding, packet.payload, limits);
}

/** Metadata is one flat object of strings. */
export function decodeMetadata(bytes: Buffer, limits: WireLimits): Record<string, string> | Malformed {
  if (bytes.length > limits.maxMetadataSize) {
    return new Malformed('metadata too large');
  }
  const metadata = parseBoundedJson(bytes, limits);
  if (metadata instanceof Malformed) {
    return metadata;
  }
  return isStringRecord(metadata) ? metadata : new Malformed('metadata is not an object of strings');
}

/** Whether the value is a plain, flat object of strings, as metadata must be. */
export function isStringRecord(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return false;
  }
  for (const key in value) {
    if (typeof (value as Record<string, unknown>)[key] !== 'string') {
      return false;
    }
  }
  return true;
}

/** The bytes of binary data, not copied; `undefined` for any other value. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (value instanceof Uint8Array) {
    return value;
  }
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

function toJsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new ZmqException('MALFORMED', `The value cannot be encoded as JSON: ${(cause as Error)?.message}`, { cause });
  }
}
