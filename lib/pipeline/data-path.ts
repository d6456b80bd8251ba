import type { ArgumentMetadata } from '@nestjs/common';

const MAX_PATH_LENGTH = 200;
const MAX_KEY_LENGTH = 64;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const INDEX = /^\d{1,10}$/;
/** Characters that could forge lines or colours in a log or terminal. */
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** A place in received data, linked upward: it becomes text only where something is wrong. */
export interface Place {
  readonly key: PropertyKey;
  /** `undefined` at the top. */
  readonly parent: Place | undefined;
}

/** Where the value of a parameter lies in the payload: `@Payload('name')` takes a part of it. */
export function rootOf({ type, data }: ArgumentMetadata): Place | undefined {
  return type === 'body' && typeof data === 'string' ? { key: data, parent: undefined } : undefined;
}

/** The place as `a.b[0].c`, keys that are no identifiers as `["a b"]`, at most 200 characters; empty for the whole data. */
export function pathOf(place: Place | undefined): string {
  const keys: PropertyKey[] = [];
  for (let at = place; at !== undefined; at = at.parent) {
    keys.push(at.key);
  }
  let path = '';
  for (let index = keys.length - 1; index >= 0 && path.length <= MAX_PATH_LENGTH; index--) {
    path += segmentOf(String(keys[index]), path === '');
  }
  return shortText(path, MAX_PATH_LENGTH);
}

/** Text that a peer had a hand in, cut to a length and in one line. */
export function shortText(text: string, maxLength: number): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
  return short.replace(CONTROL_CHARACTERS, '\ufffd');
}

function segmentOf(key: string, isFirst: boolean): string {
  if (INDEX.test(key)) {
    return `[${key}]`;
  }
  if (key.length > MAX_KEY_LENGTH || !IDENTIFIER.test(key)) {
    return `[${JSON.stringify(shortText(key, MAX_KEY_LENGTH))}]`;
  }
  return isFirst ? key : `.${key}`;
}
