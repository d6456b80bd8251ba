/** Keys that turn a careless merge of received data into prototype pollution. Refused wherever they occur. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype';
}

const FORBIDDEN_KEYS = ['__proto__', 'constructor', 'prototype'].map(key => Buffer.from(key, 'latin1'));

/** The same for a key that is still bytes: `bytes[start..end)`. */
export function isForbiddenKeyAt(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length !== 9 && length !== 11) {
    return false;
  }
  for (const key of FORBIDDEN_KEYS) {
    if (key.length === length && key.every((byte, index) => byte === bytes[start + index])) {
      return true;
    }
  }
  return false;
}
