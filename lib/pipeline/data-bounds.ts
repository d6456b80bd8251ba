import { isForbiddenKey } from '../wire/forbidden-keys.js';
import { pathOf, type Place } from './data-path.js';
import type { ZmqFieldError } from './field-errors.js';

/** Objects and arrays within one another. Well above the default of `limits.maxDepth`, well below what recursion stands. */
const MAX_DEPTH = 64;

export interface DataBounds {
  /** Characters of a string, or of a key. */
  readonly maxStringLength: number;
  /** Properties of one object; `undefined` where class-transformer, whose time grows with their square, is not used. */
  readonly maxProperties: number | undefined;
  /** Where the value lies in the data. */
  readonly root: Place | undefined;
}

/**
 * Something in a value that validation must not get to see: a string or key that is too long for its regular
 * expressions, a key that pollutes prototypes, nesting that its recursion does not stand, or an object too wide for
 * class-transformer. Binary data is not looked into; for class-transformer a `Uint8Array` becomes a `Buffer` on the same
 * memory, in place, as that is the only binary data it copies whole.
 */
export function findBreach(value: unknown, bounds: DataBounds): ZmqFieldError | undefined {
  return new Walk(bounds).find(value);
}

interface Container {
  readonly parts: object;
  readonly place: Place | undefined;
  readonly depth: number;
}

/** Keeps a stack of its own: how deep the data goes is up to the sender. */
class Walk {
  private readonly waiting: Container[] = [];
  /** A pipe that ran before may have made data that shares parts, or contains itself. */
  private readonly seen = new Set<object>();

  constructor(private readonly bounds: DataBounds) {}

  find(value: unknown): ZmqFieldError | undefined {
    const { root } = this.bounds;
    if (this.isTooLong(value)) {
      return this.tooLong(root);
    }
    if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
      this.waiting.push({ parts: value, place: root, depth: 1 });
      this.seen.add(value);
    }
    for (let next = this.waiting.pop(); next !== undefined; next = this.waiting.pop()) {
      const found = next.depth > MAX_DEPTH ? tooDeep(next.place) : this.search(next);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  private search(container: Container): ZmqFieldError | undefined {
    return Array.isArray(container.parts) ? this.searchArray(container) : this.searchObject(container);
  }

  private searchArray(container: Container): ZmqFieldError | undefined {
    // A loop up to the length would count through every gap of a sparse array.
    const items: unknown[] = Object.values(container.parts);
    for (let index = 0; index < items.length; index++) {
      const found = this.judge(items[index], index, container);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  private searchObject(container: Container): ZmqFieldError | undefined {
    const { parts, place } = container;
    const { maxProperties } = this.bounds;
    const keys = Object.keys(parts);
    if (maxProperties !== undefined && keys.length > maxProperties) {
      return breach(place, 'maxProperties', `an object must not have more than ${maxProperties} properties`);
    }
    for (const key of keys) {
      if (isForbiddenKey(key)) {
        return breach({ key, parent: place }, 'forbiddenKey', 'this name is not allowed');
      }
      if (this.isTooLong(key)) {
        return this.tooLong({ key, parent: place }, 'the name');
      }
      const found = this.judge((parts as Readonly<Record<string, unknown>>)[key], key, container);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  /** Judges a part of a container, or keeps it for later if it has parts itself. */
  private judge(part: unknown, key: string | number, container: Container): ZmqFieldError | undefined {
    if (this.isTooLong(part)) {
      return this.tooLong({ key, parent: container.place });
    }
    if (typeof part !== 'object' || part === null) {
      return undefined;
    }
    if (ArrayBuffer.isView(part)) {
      return this.judgeBinary(part, key, container);
    }
    if (!this.seen.has(part)) {
      this.seen.add(part);
      this.waiting.push({ parts: part, place: { key, parent: container.place }, depth: container.depth + 1 });
    }
    return undefined;
  }

  private judgeBinary(view: ArrayBufferView, key: string | number, container: Container): ZmqFieldError | undefined {
    const { maxProperties } = this.bounds;
    if (maxProperties === undefined || Buffer.isBuffer(view) || becomesBuffer(view, key, container.parts)) {
      return undefined;
    }
    return view.byteLength > maxProperties
      ? breach({ key, parent: container.place }, 'maxProperties', 'binary data as long as this must be a Buffer')
      : undefined;
  }

  private isTooLong(value: unknown): boolean {
    return typeof value === 'string' && value.length > this.bounds.maxStringLength;
  }

  private tooLong(place: Place | undefined, what = 'the text'): ZmqFieldError {
    return breach(
      place,
      'maxStringLength',
      `${what} must not be longer than ${this.bounds.maxStringLength} characters`,
    );
  }
}

/** Whether the bytes could be replaced by a Buffer: not where the container is frozen, or an array with gaps. */
function becomesBuffer(view: ArrayBufferView, key: string | number, container: object): boolean {
  return (
    view instanceof Uint8Array &&
    Reflect.get(container, key) === view &&
    Reflect.set(container, key, Buffer.from(view.buffer, view.byteOffset, view.byteLength))
  );
}

function tooDeep(place: Place | undefined): ZmqFieldError {
  return breach(place, 'maxDepth', `data must not be nested deeper than ${MAX_DEPTH} levels`);
}

function breach(place: Place | undefined, rule: string, message: string): ZmqFieldError {
  return { path: pathOf(place), rules: [rule], messages: [message] };
}
