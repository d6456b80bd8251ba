import { ZmqException } from '../errors/zmq.exception.js';

/** A size in bytes: a whole number, or text such as `'512b'`, `'64kb'`, `'1mb'`, `'2gb'` (powers of 1024). */
export type Bytes = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`;

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const BYTES_TEXT = /^(\d{1,15}(?:\.\d{1,6})?)(b|kb|mb|gb)$/i;

/**
 * Turns a {@link Bytes} into a whole number of bytes.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS`, naming `option`, for anything else.
 */
export function parseBytes(value: unknown, option: string): number {
  const bytes = typeof value === 'string' ? fromText(value) : value;
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw new ZmqException(
      'INVALID_OPTIONS',
      `${option} must be a number of bytes or text such as '64kb' or '1mb', but is ${describe(value)}.`,
    );
  }
  return bytes;
}

/** Renders a size for people: `1048576` becomes `1 MB`. */
export function formatBytes(bytes: number): string {
  const steps = [
    ['GB', 1024 ** 3],
    ['MB', 1024 ** 2],
    ['KB', 1024],
  ] as const;
  for (const [unit, size] of steps) {
    if (bytes >= size) {
      return `${Number((bytes / size).toFixed(1))} ${unit}`;
    }
  }
  return `${bytes} bytes`;
}

/** A short rendering of any value for an error message; never throws, never long. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > 60 ? `'${value.slice(0, 60)}…'` : `'${value}'`;
  }
  if (value === null || ['number', 'boolean', 'undefined', 'bigint'].includes(typeof value)) {
    return String(value);
  }
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** What a value is, without what it says: where an object with secrets belongs, the secret alone may have been given. */
export function describeKind(value: unknown): string {
  return typeof value === 'string' ? 'a text' : describe(value);
}

function fromText(text: string): number | undefined {
  const match = BYTES_TEXT.exec(text.trim());
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''];
  return match === null || unit === undefined ? undefined : Math.floor(Number(match[1]) * unit);
}
