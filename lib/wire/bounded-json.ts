import { isUtf8 } from 'node:buffer';
import { isForbiddenKey, isForbiddenKeyAt } from './forbidden-keys.js';
import { Malformed } from './malformed.js';
import type { WireLimits } from './wire-limits.js';

type JsonLimits = Pick<WireLimits, 'maxDepth' | 'maxTokens' | 'maxNumberLength'>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What a byte outside a string means to the scan. */
const Class = { Other: 0, Quote: 1, Open: 2, Close: 3, Separator: 4, Number: 5 } as const;

const CLASSES = new Uint8Array(256);
CLASSES[QUOTE] = Class.Quote;
for (const [characters, kind] of [
  ['{[', Class.Open],
  ['}]', Class.Close],
  [',:', Class.Separator],
  ['-0123456789', Class.Number],
] as const) {
  for (const character of characters) {
    CLASSES[character.charCodeAt(0)] = kind;
  }
}

/**
 * `JSON.parse` for text from strangers. One pass over the bytes bounds what the parser will have to build (a few bytes
 * of `[[[[` or `{},{}` cost it 20–30 times their size) and refuses keys that pollute prototypes.
 */
export function parseBoundedJson(bytes: Buffer, limits: JsonLimits): unknown {
  const refusal = scan(bytes, limits);
  if (refusal !== undefined) {
    return new Malformed(refusal);
  }
  const text = bytes.toString('utf8');
  // Invalid UTF-8 is decoded to U+FFFD, which may as well have been sent as such.
  if (text.includes('\ufffd') && !isUtf8(bytes)) {
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
function scan(bytes: Buffer, limits: JsonLimits): string | undefined {
  const { length } = bytes;
  const { maxDepth, maxNumberLength } = limits;
  let tokensLeft = limits.maxTokens;
  let depth = 0;
  let at = 0;
  while (at < length) {
    switch (CLASSES[bytes[at]!]) {
      case Class.Quote: {
        const end = endOfString(bytes, at + 1);
        if (isKey(bytes, end + 1) && isForbidden(bytes, at + 1, end)) {
          return 'forbidden key';
        }
        at = end;
        break;
      }
      case Class.Open:
        depth += 1;
        if (depth > maxDepth) {
          return 'nested too deeply';
        }
        tokensLeft -= 1;
        break;
      case Class.Close:
        depth -= 1;
        break;
      case Class.Separator:
        tokensLeft -= 1;
        break;
      case Class.Number: {
        const end = endOfNumber(bytes, at + 1);
        if (end - at > maxNumberLength) {
          return 'number too long';
        }
        at = end - 1;
        break;
      }
      default:
    }
    if (tokensLeft < 0) {
      return 'too many values';
    }
    at += 1;
  }
  return undefined;
}

/** Position of the closing quote, or the length if there is none. */
function endOfString(bytes: Buffer, from: number): number {
  const { length } = bytes;
  let at = from;
  while (at < length) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      return at;
    }
    at += byte === BACKSLASH ? 2 : 1;
  }
  return length;
}

/** Position after the digits, signs, point and exponent of a number. */
function endOfNumber(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (
      byte === undefined ||
      !(CLASSES[byte] === Class.Number || byte === 0x2e || byte === 0x2b || (byte | 0x20) === 0x65)
    ) {
      return at;
    }
    at += 1;
  }
}

/** Whether a colon comes next, after whitespace. */
function isKey(bytes: Buffer, from: number): boolean {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) {
    at += 1;
  }
  return bytes[at] === 0x3a;
}

/** Whether the key between its quotes is a forbidden one, as it is or written with escapes. */
function isForbidden(bytes: Buffer, start: number, end: number): boolean {
  if (isForbiddenKeyAt(bytes, start, end)) {
    return true;
  }
  // A forbidden key of which at least one character is escaped, each as 6 bytes at most.
  const length = end - start;
  if (length < 14 || length > 66 || bytes.subarray(start, end).indexOf(BACKSLASH) < 0) {
    return false;
  }
  try {
    return isForbiddenKey(JSON.parse(bytes.toString('latin1', start - 1, end + 1)) as string);
  } catch {
    // Not JSON: the parser refuses the whole text.
    return false;
  }
}
