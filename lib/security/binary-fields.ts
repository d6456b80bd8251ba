/**
 * Joins fields so that no other fields give the same bytes: each as its length (u32, big endian) and itself. Texts are
 * UTF-8.
 */
export function lengthPrefixed(fields: readonly (string | Uint8Array)[]): Buffer {
  const parts = fields.flatMap(field => {
    const bytes = typeof field === 'string' ? Buffer.from(field) : field;
    return [u32(bytes.length), bytes];
  });
  return Buffer.concat(parts);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A whole number of milliseconds since 1970, in 8 bytes. */
export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** The bytes of a base64url text without padding, if it gives exactly so many. */
export function base64urlBytes(text: unknown, length: number): Buffer | undefined {
  if (typeof text !== 'string' || text.length !== Math.ceil((length * 4) / 3) || !BASE64URL.test(text)) {
    return undefined;
  }
  return Buffer.from(text, 'base64url');
}
