import { constants, isUtf8 } from 'node:buffer';
import { noteTokens } from './decoding-cost.js';
import { isForbiddenKey, isForbiddenKeyAt } from './forbidden-keys.js';
import { Malformed } from './malformed.js';
import type { WireLimits } from './wire-limits.js';

type JsonLimits = Pick<WireLimits, 'maxDepth' | 'maxTokens' | 'maxNumberLength'>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * `JSON.parse` for text from strangers. One pass over the bytes bounds what the parser will have to build (a few bytes
 * of `[[[[` or `{},{}` cost it 20–30 times their size) and refuses keys that pollute prototypes.
 */
export function parseBoundedJson(bytes: Buffer, limits: JsonLimits, from = 0, to = bytes.length): unknown {
  // A text that begins with a string is nothing but that string, or no JSON at all.
  noteTokens(1);
  const refusal = bytes[from] === QUOTE ? undefined : scan(bytes, from, to, limits);
  if (refusal !== undefined) {
    return new Malformed(refusal);
  }
  // Half a gigabyte, which `maxMessageSize` may exceed.
  if (to - from > constants.MAX_STRING_LENGTH) {
    return new Malformed('longer than any text can be');
  }
  const text = bytes.toString('utf8', from, to);
  // Invalid UTF-8 is decoded to U+FFFD, which may as well have been sent as such.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(from, to))) {
    return new Malformed('invalid UTF-8');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the input.
    return new Malformed('invalid JSON');
  }
}

/** Why the text is refused, if it is. Whether it is JSON at all is left to the parser. */
function scan(
  bytes: Buffer,
  from: number,
  to: number,
  { maxDepth, maxTokens, maxNumberLength }: JsonLimits,
): string | undefined {
  let tokens = 0;
  let depth = 0;
  let at = from;
  // The latest string: a key, if a colon follows.
  let start = 0;
  let end = 0;
  let isEscaped = false;
  while (at < to) {
    const byte = bytes[at]!;
    at += 1;
    if (byte === QUOTE) {
      start = at;
      isEscaped = false;
      for (let inner = bytes[at]; inner !== QUOTE && at < to; inner = bytes[at]) {
        isEscaped ||= inner === BACKSLASH;
        at += inner === BACKSLASH ? 2 : 1;
      }
      end = at;
      at += 1;
    } else if (byte === COMMA) {
      tokens += 1;
    } else if (byte === COLON) {
      tokens += 1;
      if (isForbiddenKeyAt(bytes, start, end) || (isEscaped && isForbiddenEscapedKey(bytes, start, end))) {
        return 'forbidden key';
      }
    } else if (isOpening(byte)) {
      tokens += 1;
      depth += 1;
      if (depth > maxDepth) {
        return 'nested too deeply';
      }
    } else if (isClosing(byte)) {
      depth -= 1;
    } else if (isDigitOrSign(byte)) {
      const numberStart = at - 1;
      while (at < to && isInNumber(bytes[at]!)) {
        at += 1;
      }
      if (at - numberStart > maxNumberLength) {
        return 'number too long';
      }
    }
    if (tokens > maxTokens) {
      return 'too many values';
    }
  }
  noteTokens(tokens + 1);
  return undefined;
}

function isOpening(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b;
}

function isClosing(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d;
}

function isDigitOrSign(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
}

/** Digits, signs, point and exponent. */
function isInNumber(byte: number): boolean {
  return isDigitOrSign(byte) || byte === 0x2e || byte === 0x2b || (byte | 0x20) === 0x65;
}

const SHORTEST_ESCAPED_KEY = 14;
const LONGEST_ESCAPED_KEY = 66;

/** Whether the key between its quotes is a forbidden one with one to all of its characters written as `\uXXXX`. */
function isForbiddenEscapedKey(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < SHORTEST_ESCAPED_KEY || end - start > LONGEST_ESCAPED_KEY) {
    return false;
  }
  try {
    return isForbiddenKey(JSON.parse(bytes.toString('latin1', start - 1, end + 1)) as string);
  } catch {
    // Not JSON: the parser refuses the whole text.
    return false;
  }
}
