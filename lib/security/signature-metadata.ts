/** Key of the metadata that carries a signature. It is always the last key of the JSON text. */
export const SIGNATURE_KEY = 'zmq-signature';

const MARK = `"${SIGNATURE_KEY}":"`;
const END = '"}';
const TOKEN = /^[\w.-]{1,2000}$/;

/** @param metadata JSON text of the metadata object, `''` for none. */
export function addSignature(metadata: string, token: string): string {
  const before = metadata === '' || metadata === '{}' ? '{' : `${metadata.slice(0, -1)},`;
  return `${before}${MARK}${token}${END}`;
}

/**
 * Takes off what {@link addSignature} added, to the letter. Where the text is JSON, nothing inside of a value can pass
 * for a signature: a quotation mark there has a backslash before it.
 *
 * @returns `undefined` if there is none; else `base` is the text as it was signed, `''` for no other metadata.
 */
export function takeSignature(metadata: string): { base: string; token: string } | undefined {
  const start = metadata.lastIndexOf(MARK);
  if (start < 1 || !metadata.startsWith('{') || !metadata.endsWith(END)) {
    return undefined;
  }
  const token = metadata.slice(start + MARK.length, -END.length);
  if (!TOKEN.test(token)) {
    return undefined;
  }
  if (start === 1) {
    return { base: '', token };
  }
  return metadata[start - 1] === ',' && start > 2 ? { base: `${metadata.slice(0, start - 1)}}`, token } : undefined;
}
