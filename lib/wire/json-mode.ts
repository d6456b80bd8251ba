import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';
import { parseBoundedJson } from './bounded-json.js';
import { Malformed } from './malformed.js';
import { routeOf } from './pattern.js';
import { bytesOf, isStringRecord } from './payload-codec.js';
import type { WireLimits } from './wire-limits.js';

const MAX_ID_LENGTH = 64;
const BASE64_KEY = '$base64';

interface JsonCall {
  /** A string, number or object, not empty. */
  readonly pattern: unknown;
  readonly data: unknown;
  readonly metadata?: Record<string, string>;
}
export interface JsonRequest extends JsonCall {
  readonly kind: 'request';
  readonly id: string;
  /** 0 = none. */
  readonly timeoutMs: number;
}
export interface JsonEvent extends JsonCall {
  readonly kind: 'event';
}
export interface JsonCancel {
  readonly kind: 'cancel';
  readonly id: string;
}
export type JsonIncoming = JsonRequest | JsonEvent | JsonCancel | Malformed;

export interface JsonReply {
  /** Absent if what is answered had no usable id. */
  readonly id: string | undefined;
  readonly response?: unknown;
  readonly last: boolean;
  readonly error?: ZmqErrorObject;
}

/**
 * Decodes a message in JSON mode: one object, or an array of them. An item that is wrong becomes a {@link Malformed}
 * in its place, so that the others are still served. The size of the frame is left to the caller.
 */
export function decodeJsonMessage(frame: Buffer, limits: WireLimits): readonly JsonIncoming[] | Malformed {
  const envelope = startsWithBracket(frame) ? 2 : 1;
  const { maxDepth, maxTokens, maxNumberLength } = limits;
  // The bound is on data, and the envelope around it is ours.
  const message = parseBoundedJson(frame, { maxDepth: maxDepth + envelope, maxTokens, maxNumberLength });
  if (message instanceof Malformed) {
    return message;
  }
  if (!Array.isArray(message)) {
    return [decodeItem(message, limits)];
  }
  if (message.length === 0) {
    return new Malformed('empty batch');
  }
  if (message.length > limits.maxBatchPackets) {
    return new Malformed('too many packets in a batch', undefined, 'batch-too-large');
  }
  return message.map(item => decodeItem(item, limits));
}

/**
 * The text of one reply.
 *
 * @throws ZmqException `MALFORMED` if the response has no JSON form
 */
export function encodeJsonReply({ id, response, last, error }: JsonReply): string {
  try {
    if (error !== undefined) {
      return JSON.stringify({ id, err: error, status: 'error', isDisposed: true });
    }
    const bytes = bytesOf(response);
    const wrapped = bytes === undefined ? response : wrapBytes(bytes);
    return JSON.stringify(last ? { id, response: wrapped, isDisposed: true } : { id, response: wrapped });
  } catch (cause) {
    throw new ZmqException('MALFORMED', `The value cannot be encoded as JSON: ${(cause as Error)?.message}`, { cause });
  }
}

function decodeItem(item: unknown, limits: WireLimits): JsonIncoming {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return new Malformed('a packet is an object');
  }
  const { id, pattern, cancel } = item as Record<string, unknown>;
  if (id === undefined) {
    return cancel === undefined ? decodeEvent(item, limits) : new Malformed('cancel needs an id');
  }
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) {
    return new Malformed(`id is a string of 1 to ${MAX_ID_LENGTH} characters`, undefined, 'correlation-id');
  }
  if (cancel === undefined) {
    return decodeRequest(id, item, limits);
  }
  return cancel === true && pattern === undefined
    ? { kind: 'cancel', id }
    : new Malformed('cancel is true, and has no pattern beside it', id);
}

function decodeRequest(id: string, item: object, limits: WireLimits): JsonRequest | Malformed {
  const { timeout } = item as Record<string, unknown>;
  if (timeout !== undefined && !isUint32(timeout)) {
    return new Malformed('timeout is an integer of milliseconds', id);
  }
  const call = decodeCall(item, limits);
  return typeof call === 'string' ? new Malformed(call, id) : { kind: 'request', id, ...call, timeoutMs: timeout ?? 0 };
}

function decodeEvent(item: object, limits: WireLimits): JsonEvent | Malformed {
  if ('timeout' in item) {
    return new Malformed('an event has no timeout');
  }
  const call = decodeCall(item, limits);
  return typeof call === 'string' ? new Malformed(call) : { kind: 'event', ...call };
}

/** What requests and events have in common, or why it is refused. */
function decodeCall(item: object, limits: WireLimits): JsonCall | string {
  const { pattern, data, metadata } = item as Record<string, unknown>;
  const route = routeOf(pattern);
  if (route === undefined || route === '') {
    return 'pattern is a non-empty string, a number or an object';
  }
  if (Buffer.byteLength(route) > limits.maxPatternLength) {
    return 'pattern too long';
  }
  const unwrapped = unwrapBytes(data);
  if (unwrapped === undefined && data !== undefined) {
    return 'invalid base64';
  }
  if (metadata === undefined) {
    return { pattern, data: unwrapped };
  }
  if (!isStringRecord(metadata)) {
    return 'metadata is not an object of strings';
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > limits.maxMetadataSize) {
    return 'metadata too large';
  }
  return { pattern, data: unwrapped, metadata };
}

/** Data as it is, or the Buffer for `{ "$base64": … }`; `undefined` if that is no canonical base64. */
function unwrapBytes(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) {
    return data;
  }
  const text = (data as Record<string, unknown>)[BASE64_KEY];
  if (typeof text !== 'string' || Object.keys(data).length !== 1) {
    return data;
  }
  // Node's decoder skips what is no base64, so only the way back shows whether all of it was.
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function wrapBytes(bytes: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { [BASE64_KEY]: buffer.toString('base64') };
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

function startsWithBracket(frame: Buffer): boolean {
  for (const byte of frame) {
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
      return byte === 0x5b;
    }
  }
  return false;
}
