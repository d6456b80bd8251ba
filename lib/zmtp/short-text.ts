/** What the length of one byte before names and short texts can say. */
export const MAX_SHORT_TEXT_BYTES = 255;

/**
 * The end of the text whose length of one byte is at `at`; `undefined` if that is beyond `data`. What is declared but not
 * there is never allocated.
 */
export function endOfShortText(data: Uint8Array, at: number): number | undefined {
  const length = data[at];
  return length === undefined || at + 1 + length > data.length ? undefined : at + 1 + length;
}

/** Whether `data[start..end]` is a name of commands or properties: at least one of `A-Z a-z 0-9 - _ . +` (RFC 37). */
export function isName(data: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (!isNameCharacter(data[at] as number)) {
      return false;
    }
  }
  return start < end;
}

function isNameCharacter(byte: number): boolean {
  const letter = byte | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x5f
  );
}

/**
 * A text behind its length of one byte.
 *
 * @throws RangeError if it has more than 255 bytes; whoever takes it from a user checks that before.
 */
export function encodeShortText(text: string, encoding: 'latin1' | 'utf8' = 'latin1'): Buffer {
  const length = Buffer.byteLength(text, encoding);
  if (length > MAX_SHORT_TEXT_BYTES) {
    throw new RangeError(`At most ${MAX_SHORT_TEXT_BYTES} bytes fit behind a length of one byte, not ${length}`);
  }
  const bytes = Buffer.allocUnsafe(1 + length);
  bytes[0] = length;
  bytes.write(text, 1, length, encoding);
  return bytes;
}

/**
 * A name behind its length.
 *
 * @throws RangeError if it breaks the form of {@link isName}: names come from code, not from peers.
 */
export function encodeName(name: string): Buffer {
  const bytes = encodeShortText(name, 'utf8');
  if (!isName(bytes, 1, bytes.length)) {
    throw new RangeError('A name in ZMTP has 1 to 255 of the characters A-Z a-z 0-9 - _ . +');
  }
  return bytes;
}
