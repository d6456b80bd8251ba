/** One numeric option: its path, default, and the least and greatest value that is taken. */
export type Bound = readonly [path: string, fallback: number, min: number, max: number];

/** An options object in which just the option at `path` is set. */
export function optionsWith(path: string, value: unknown): object {
  return path
    .split('.')
    .toReversed()
    .reduce<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

/** What stands at `path`. */
export function valueAt(options: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], options);
}

/** Whether the object and all plain objects and arrays in it, and in maps in it, are frozen. */
export function isDeeplyFrozen(value: unknown): boolean {
  if (value instanceof Map) {
    return [...value.values()].every(isDeeplyFrozen);
  }
  if (typeof value !== 'object' || value === null || !isPlain(value)) {
    return true;
  }
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
