const MAX_DEPTH = 5;
const MAX_KEYS = 20;

/**
 * The route of a pattern, the same as Nest's own `transformPatternToRoute` makes: strings and numbers as they are,
 * objects as JSON-like text with sorted keys, bounded in depth and keys. `undefined` for all that is no pattern.
 */
export function routeOf(pattern: unknown): string | undefined {
  if (typeof pattern === 'string') {
    return pattern;
  }
  if (typeof pattern === 'number') {
    return String(pattern);
  }
  return typeof pattern === 'object' && pattern !== null ? routeOfObject(pattern, 0) : undefined;
}

function routeOfObject(pattern: object, depth: number): string {
  if (depth > MAX_DEPTH) {
    return '[MAX_DEPTH_REACHED]';
  }
  const keys = Object.keys(pattern);
  if (keys.length > MAX_KEYS) {
    return '[TOO_MANY_KEYS]';
  }
  const parts = keys
    .sort((left, right) => left.localeCompare(right))
    .map(key => `"${escape(key)}":${routeOfValue((pattern as Record<string, unknown>)[key], depth + 1)}`);
  return `{${parts.join(',')}}`;
}

function routeOfValue(value: unknown, depth: number): string {
  if (typeof value === 'string') {
    return `"${escape(value)}"`;
  }
  return typeof value === 'object' && value !== null ? routeOfObject(value, depth) : String(value);
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
