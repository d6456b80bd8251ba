import { encodeCommand } from './command.js';
import { encodeMetadata } from './metadata.js';
import { ZmtpRefusal } from './refusal.js';
import { encodeShortText, endOfShortText, MAX_SHORT_TEXT_BYTES } from './short-text.js';

type Properties = Readonly<Record<string, string | Uint8Array>>;

/** RFC 37: more is no context. */
export const MAX_PING_CONTEXT_BYTES = 16;
/** RFC 37: 16 bits of tenths of a second. */
const MAX_TTL = 0xffff;
const TTL_BYTES = 2;
const EMPTY = Buffer.alloc(0);

/** READY, the last command of each side in the handshakes of NULL and PLAIN (RFC 37, RFC 24), as a whole frame. */
export function encodeReady(properties: Properties): Buffer {
  return encodeCommand('READY', encodeMetadata(properties));
}

/** ERROR, which ends a handshake (RFC 37), as a whole frame. What is not printable ASCII becomes `?`; the text is cut at 255. */
export function encodeError(reason: string): Buffer {
  const printable = reason.slice(0, MAX_SHORT_TEXT_BYTES).replaceAll(/[^\x20-\x7e]/g, '?');
  return encodeCommand('ERROR', encodeShortText(printable));
}

/**
 * The reason in an ERROR. RFC 37 asks for visible characters; spaces are taken as well, but nothing that could forge a
 * line of a log.
 */
export function readError(data: Buffer): string | ZmtpRefusal {
  if (endOfShortText(data, 0) !== data.length) {
    return new ZmtpRefusal('bad-command');
  }
  const reason = data.toString('latin1', 1);
  return /^[\x20-\x7e]*$/.test(reason) ? reason : new ZmtpRefusal('bad-command');
}

/** A PING (RFC 37). */
export interface Ping {
  /** Tenths of a second without traffic after which the peer wants the connection closed; 0 for never. */
  readonly ttl: number;
  /** What the PONG has to echo. */
  readonly context: Buffer;
}

/**
 * PING as a whole frame. A time to live beyond what 16 bits hold is cut to it.
 *
 * @throws RangeError if the context has more than 16 bytes
 */
export function encodePing(ttlDeciseconds: number, context: Uint8Array = EMPTY): Buffer {
  const ttl = Buffer.allocUnsafe(TTL_BYTES);
  ttl.writeUInt16BE(Math.trunc(Math.min(MAX_TTL, Math.max(0, ttlDeciseconds))));
  return encodeCommand('PING', Buffer.concat([ttl, checkContext(context)]));
}

export function readPing(data: Buffer): Ping | ZmtpRefusal {
  return data.length < TTL_BYTES || data.length > TTL_BYTES + MAX_PING_CONTEXT_BYTES
    ? new ZmtpRefusal('bad-command')
    : { ttl: data.readUInt16BE(0), context: data.subarray(TTL_BYTES) };
}

/**
 * PONG as a whole frame.
 *
 * @throws RangeError if the context has more than 16 bytes, which `readPing()` lets none have
 */
export function encodePong(context: Uint8Array): Buffer {
  return encodeCommand('PONG', checkContext(context));
}

export function readPong(data: Buffer): { readonly context: Buffer } | ZmtpRefusal {
  return data.length > MAX_PING_CONTEXT_BYTES ? new ZmtpRefusal('bad-command') : { context: data };
}

/** What a client of PLAIN says of itself (RFC 24). Bytes, because they are compared, not shown. */
export interface PlainHello {
  readonly username: Buffer;
  readonly password: Buffer;
}

/**
 * HELLO of PLAIN (RFC 24) as a whole frame, in UTF-8.
 *
 * @throws RangeError if one of both has more than 255 bytes; options are checked before
 */
export function encodePlainHello(user: string, password: string): Buffer {
  return encodeCommand('HELLO', Buffer.concat([encodeShortText(user, 'utf8'), encodeShortText(password, 'utf8')]));
}

export function readPlainHello(data: Buffer): PlainHello | ZmtpRefusal {
  const userEnd = endOfShortText(data, 0);
  return userEnd === undefined || endOfShortText(data, userEnd) !== data.length
    ? new ZmtpRefusal('bad-command')
    : { username: data.subarray(1, userEnd), password: data.subarray(userEnd + 1) };
}

/** WELCOME of PLAIN (RFC 24) as a whole frame. */
export function encodePlainWelcome(): Buffer {
  return encodeCommand('WELCOME');
}

/** INITIATE of PLAIN (RFC 24) as a whole frame. */
export function encodePlainInitiate(properties: Properties): Buffer {
  return encodeCommand('INITIATE', encodeMetadata(properties));
}

function checkContext(context: Uint8Array): Uint8Array {
  if (context.length > MAX_PING_CONTEXT_BYTES) {
    throw new RangeError(`The context of a heartbeat has at most ${MAX_PING_CONTEXT_BYTES} bytes`);
  }
  return context;
}
