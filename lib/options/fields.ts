import { ZmqException } from '../errors/zmq.exception.js';
import { describe, describeKind, parseBytes } from './bytes.js';

/** Checks one option, given its full name, and returns the value to use; `undefined` stands for "not set". */
export type Field<T> = (value: unknown, option: string) => T;

export type Resolved<F extends Record<string, Field<unknown>>> = {
  readonly [K in keyof F]: ReturnType<F[K]>;
};

/**
 * Checks an options object against a table of fields: every field gets its value or default, unknown names are refused.
 * The input is never changed, the result is frozen.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option.
 */
export function resolveFields<F extends Record<string, Field<unknown>>>(
  input: unknown,
  fields: F,
  where: string,
): Resolved<F> {
  if (input !== undefined && (typeof input !== 'object' || input === null || Array.isArray(input))) {
    throw invalid(`${where} must be an object, but is ${describeKind(input)}.`);
  }
  const given = (input ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (given[name] !== undefined && !Object.hasOwn(fields, name)) {
      throw invalid(`${where} has no option ${describe(name)}. Known options: ${Object.keys(fields).join(', ')}.`);
    }
  }
  const entries = Object.entries(fields).map(([name, field]) => [name, field(given[name], `${where}.${name}`)]);
  return Object.freeze(Object.fromEntries(entries)) as Resolved<F>;
}

/** Options in force with some of them changed, as input to a table of fields; groups are merged as well. */
export function mergeFields(inForce: object, changes: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...inForce };
  for (const [name, value] of Object.entries(changes)) {
    const before = merged[name];
    if (value !== undefined) {
      merged[name] = isGroup(value) && isGroup(before) ? mergeFields(before, value) : value;
    }
  }
  return merged;
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function integer(bounds: { min: number; max: number; fallback: number }): Field<number> {
  return (value = bounds.fallback, option) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < bounds.min || value > bounds.max) {
      throw invalid(`${option} must be a whole number from ${bounds.min} to ${bounds.max}, but is ${describe(value)}.`);
    }
    return value;
  };
}

/** A time in milliseconds. */
export function milliseconds(bounds: { min: number; max: number; fallback: number }): Field<number> {
  return (value = bounds.fallback, option) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < bounds.min || value > bounds.max) {
      throw invalid(
        `${option} must be a number of milliseconds from ${bounds.min} to ${bounds.max}, but is ${describe(value)}.`,
      );
    }
    return value;
  };
}

/** A part of a whole, such as 0.8 for four fifths. */
export function fraction(bounds: { min: number; max: number; fallback: number }): Field<number> {
  return (value = bounds.fallback, option) => {
    if (typeof value !== 'number' || !(value >= bounds.min && value <= bounds.max)) {
      throw invalid(`${option} must be a fraction from ${bounds.min} to ${bounds.max}, but is ${describe(value)}.`);
    }
    return value;
  };
}

export function byteSize(bounds: { min: number; max: number; fallback: number }): Field<number> {
  return (value = bounds.fallback, option) => {
    const bytes = parseBytes(value, option);
    if (bytes < bounds.min || bytes > bounds.max) {
      throw invalid(`${option} must be from ${bounds.min} to ${bounds.max} bytes, but is ${bytes}.`);
    }
    return bytes;
  };
}

export function choice<const T extends string>(values: readonly T[], fallback: T): Field<T> {
  return (value = fallback, option) => {
    if (!values.includes(value as T)) {
      throw invalid(`${option} must be one of ${values.join(', ')}, but is ${describe(value)}.`);
    }
    return value as T;
  };
}

export function flag(fallback: boolean): Field<boolean> {
  return (value = fallback, option) => {
    if (typeof value !== 'boolean') {
      throw invalid(`${option} must be true or false, but is ${describe(value)}.`);
    }
    return value;
  };
}

/** An optional object of the user's own that must have the given method, such as a serializer. */
export function objectWith<T>(method: string & keyof T): Field<T | undefined> {
  return (value, option) => {
    if (value === undefined) {
      return undefined;
    }
    if (typeof (value as Record<string, unknown> | null)?.[method] !== 'function') {
      throw invalid(`${option} must have a method ${method}(), but is ${describe(value)}.`);
    }
    return value as T;
  };
}

/** A group of options that is resolved by a table of its own. */
export function group<F extends Record<string, Field<unknown>>>(fields: F): Field<Resolved<F>> {
  return (value, option) => resolveFields(value, fields, option);
}

export function invalid(message: string): ZmqException {
  return new ZmqException('INVALID_OPTIONS', message);
}
