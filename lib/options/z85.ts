import { describe } from './bytes.js';
import { invalid, type Field } from './fields.js';
import { Secret } from './secret.js';

/** Z85 (RFC 32): each character is a digit to the base 85, and five of them stand for four bytes. */
export const Z85_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

const KEY_LENGTH = 40;
const GROUP_LENGTH = 5;
const FORM = `a CURVE key as ${KEY_LENGTH} characters of Z85`;

/** Whether a text is a CURVE key: 40 characters of Z85 that stand for 32 bytes. */
export function isZ85Key(text: string): boolean {
  if (text.length !== KEY_LENGTH) {
    return false;
  }
  for (let start = 0; start < KEY_LENGTH; start += GROUP_LENGTH) {
    // Five digits reach beyond four bytes; libzmq would cut the surplus off, and two texts would be one key.
    if (!(groupOf(text, start) < 2 ** 32)) {
      return false;
    }
  }
  return true;
}

/** A public CURVE key. No error shows what was given instead: it may be a secret key in the wrong place. */
export const z85Key: Field<string> = (value, option) => {
  if (typeof value !== 'string' || !isZ85Key(value)) {
    const given = typeof value === 'string' ? `another text of ${value.length} characters` : describe(value);
    throw invalid(`${option} must be ${FORM}, but is ${given}.`);
  }
  return value;
};

/** A secret CURVE key, or none. No error shows it. */
export const secretZ85Key: Field<Secret<string> | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  const text: unknown = value instanceof Secret ? value.reveal() : value;
  if (typeof text !== 'string' || !isZ85Key(text)) {
    throw invalid(`${option} must be ${FORM}. What was given is not shown, as it may be a secret.`);
  }
  return new Secret(text);
};

/** NaN where a character is none of the alphabet. */
function groupOf(text: string, start: number): number {
  let group = 0;
  for (const character of text.slice(start, start + GROUP_LENGTH)) {
    const digit = Z85_ALPHABET.indexOf(character);
    group = digit < 0 ? NaN : group * 85 + digit;
  }
  return group;
}
