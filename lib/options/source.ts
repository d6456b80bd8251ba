import { invalid, type Field } from './fields.js';
import { Secret } from './secret.js';

/** Where a key or certificate comes from: given as it is, or the path of a file that is read at the start. */
export type Source = { readonly value: Secret<string>; readonly file?: never } | { readonly file: string };

/** Longest text of a key or of a bundle of certificates, in characters. */
const MAX_TEXT = 4 * 1024 ** 2;

/** PEM as text or bytes. What it says never appears in an error: it may be a key in the wrong place. */
export const pem: Field<Secret<string> | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  const text = typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString() : '';
  if (text.length > MAX_TEXT || !/-----BEGIN [A-Z0-9 ]+-----[\s\S]+-----END [A-Z0-9 ]+-----/.test(text)) {
    throw invalid(`${option} must be PEM ("-----BEGIN …"); for the path of a file there is ${option}File.`);
  }
  return new Secret(text);
};

/** A text that is kept out of logs. */
export const secretText: Field<Secret<string> | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT) {
    throw invalid(`${option} must be a text that is not empty.`);
  }
  return new Secret(value);
};

/** The path of a file. What is no path may be the key itself, and does not appear in the error. */
export const path: Field<string | undefined> = (value, option) => {
  if (value !== undefined && (typeof value !== 'string' || value === '' || /[\0\n]/.test(value))) {
    throw invalid(`${option} must be the path of a file.`);
  }
  return value;
};

/** The one of both that is given. */
export function sourceOf(
  value: Secret<string> | undefined,
  file: string | undefined,
  option: string,
): Source | undefined {
  if (value !== undefined && file !== undefined) {
    throw invalid(`${option} and ${option}File cannot both be given.`);
  }
  if (value !== undefined) {
    return Object.freeze({ value });
  }
  return file === undefined ? undefined : Object.freeze({ file });
}
