import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * Holds a value that must not get into logs, error texts or JSON. Whatever shows a `Secret` shows `[redacted]`; a copy by
 * `structuredClone` has no value at all.
 */
export class Secret<T> {
  // A true private field: neither property lists nor inspect with `showHidden` reach it.
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself, for the one place that needs it. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
