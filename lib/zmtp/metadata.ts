import { ZmtpRefusal } from './refusal.js';
import { encodeName, endOfShortText, isName } from './short-text.js';

/** Bounds of what a peer may say of itself in a handshake. */
export interface MetadataLimits {
  readonly maxProperties: number;
  /** Of all names and values with their lengths. */
  readonly maxBytes: number;
}

const VALUE_LENGTH_BYTES = 4;
/** RFC 37: a value has up to 2^31 - 1 bytes. */
const MAX_VALUE_BYTES = 0x7fff_ffff;

/**
 * The properties in the data of READY and INITIATE (RFC 37): names in lower case, since their case is not significant,
 * and values as views into `data`. A name given twice is refused, so that no two readers can see different values.
 */
export function readMetadata(data: Buffer, limits: MetadataLimits): ReadonlyMap<string, Buffer> | ZmtpRefusal {
  const { maxProperties, maxBytes } = limits;
  if (data.length > maxBytes) {
    return new ZmtpRefusal('bad-metadata', maxBytes, data.length);
  }
  const properties = new Map<string, Buffer>();
  for (let at = 0; at < data.length;) {
    if (properties.size >= maxProperties) {
      return new ZmtpRefusal('bad-metadata', maxProperties);
    }
    const nameEnd = endOfShortText(data, at);
    if (nameEnd === undefined || !isName(data, at + 1, nameEnd)) {
      return new ZmtpRefusal('bad-metadata');
    }
    const name = data.toString('latin1', at + 1, nameEnd).toLowerCase();
    const start = nameEnd + VALUE_LENGTH_BYTES;
    // A declared length is compared with what is there before anything is made of it.
    const end = start > data.length ? Number.POSITIVE_INFINITY : start + data.readUInt32BE(nameEnd);
    if (end > data.length || end - start > MAX_VALUE_BYTES || properties.has(name)) {
      return new ZmtpRefusal('bad-metadata');
    }
    properties.set(name, data.subarray(start, end));
    at = end;
  }
  return properties;
}

/**
 * Properties as READY and INITIATE carry them; text as UTF-8.
 *
 * @throws RangeError if a name breaks the form of RFC 37
 */
export function encodeMetadata(properties: Readonly<Record<string, string | Uint8Array>>): Buffer {
  return Buffer.concat(
    Object.entries(properties).flatMap(([name, value]) => {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      const length = Buffer.allocUnsafe(VALUE_LENGTH_BYTES);
      length.writeUInt32BE(bytes.length);
      return [encodeName(name), length, bytes];
    }),
  );
}
