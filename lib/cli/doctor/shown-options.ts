import { Secret } from '../../options/secret.js';

export type Shown = string | number | boolean | null | readonly Shown[] | { readonly [name: string]: Shown };

/** Options as they may be printed: secrets are redacted, what is not set is left out, objects of classes are named alone. */
export function shown(value: unknown): Shown | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? null : shownObject(value);
    default:
      return `[${typeof value}]`;
  }
}

/** One line for each value, e.g. `limits.maxMessageSize: 1048576`. */
export function linesOf(value: Shown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) {
    return [`${path}: ${String(value)}`];
  }
  if (Array.isArray(value)) {
    const items = value as readonly Shown[];
    return items.length === 0 ? [`${path}: none`] : items.flatMap((item, index) => linesOf(item, `${path}[${index}]`));
  }
  const entries = Object.entries(value);
  return entries.length === 0 && path !== ''
    ? [`${path}: none`]
    : entries.flatMap(([name, item]) => linesOf(item, path === '' ? name : `${path}.${name}`));
}

function shownObject(value: object): Shown {
  if (value instanceof Secret) {
    return String(value);
  }
  if (Array.isArray(value)) {
    return value.map(item => shown(item) ?? null);
  }
  if (value instanceof Map) {
    return shownEntries([...value].map(([name, item]) => [String(name), item]));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null
    ? shownEntries(Object.entries(value))
    : `[${value.constructor.name}]`;
}

function shownEntries(entries: readonly (readonly [string, unknown])[]): Shown {
  return Object.fromEntries(
    entries.flatMap(([name, item]) => {
      const text = shown(item);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}
