import { inspect, types } from 'node:util';

/** Characters or bytes at either end of a secret by which it is recognised, even where the rest was cut off. */
const PART = 16;
/** Objects of one graph: far more than a server has. */
const MAX_OBJECTS = 2_000_000;
/** Of the package zeromq: to ask some of them for what they have does something to them. */
const FOREIGN = new Set(['Dealer', 'Router', 'Context', 'Observer']);

interface Trace {
  readonly name: string;
  readonly form: string;
}

/** Looks for secrets, in every form that they could be printed in, in whatever it is shown. */
export class SecretHunt {
  /** Where which secret was found. */
  readonly found = new Set<string>();
  /** Characters that have been looked through. */
  seen = 0;
  private readonly traces: Trace[] = [];
  /** The bytes themselves, one character each. */
  private readonly raw: Trace[] = [];

  /** @param bytes what the secret stands for, if that is another thing than its text */
  add(name: string, secret: string | Uint8Array, ...bytes: readonly Uint8Array[]): void {
    const texts = typeof secret === 'string' ? [secret] : [];
    const all = [...bytes, typeof secret === 'string' ? Buffer.from(secret) : secret];
    const forms = [...texts.flatMap(textForms), ...all.flatMap(byteForms)];
    this.traces.push(...forms.map(form => ({ name, form: withoutSpace(form) })));
    this.raw.push(...all.flatMap(ends).map(part => ({ name, form: Buffer.from(part).toString('latin1') })));
  }

  /** What would be printed of anything: a text, an error, a server. */
  look(where: string, thing: unknown): void {
    for (const text of rendered(thing)) {
      this.search(where, text);
    }
  }

  /**
   * All that can be reached from an object without its own doing: fields, hidden ones, what getters give, entries of maps. It
   * is more than `inspect()` shows with whatever options, and far less than that prints again and again.
   */
  walk(where: string, thing: object): void {
    const seen = new Set<unknown>();
    const queue: { readonly value: unknown; readonly path: string }[] = [{ value: thing, path: where }];
    for (let next = queue.pop(); next !== undefined && seen.size < MAX_OBJECTS; next = queue.pop()) {
      const { value, path } = next;
      if (typeof value === 'string') {
        this.search(path, value);
      } else if (isObject(value) && !seen.has(value)) {
        seen.add(value);
        if (ArrayBuffer.isView(value)) {
          this.searchBytes(path, value);
        } else {
          queue.push(...partsOf(value).map(([name, part]) => ({ value: part, path: `${path}.${name}`.slice(-300) })));
        }
      }
    }
  }

  private search(where: string, text: string): void {
    const haystack = withoutSpace(text);
    this.seen += haystack.length;
    for (const { name, form } of this.traces) {
      const at = haystack.indexOf(form);
      if (at >= 0) {
        this.found.add(`${name} in ${where}: …${haystack.slice(Math.max(0, at - 80), at)}`);
      }
    }
  }

  private searchBytes(where: string, { buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const haystack = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('latin1');
    this.seen += haystack.length;
    for (const { name, form } of this.raw) {
      if (haystack.includes(form)) {
        this.found.add(`${name} in ${where}, as bytes`);
      }
    }
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** What an object has, by name. */
function partsOf(value: object): [string, unknown][] {
  if (value === globalThis || value === process || FOREIGN.has(value.constructor?.name ?? '')) {
    return [];
  }
  const parts: [string, unknown][] = [];
  if (types.isMap(value)) {
    parts.push(
      ...[...value].flatMap(([key, item]): [string, unknown][] => [
        ['key', key],
        [String(key), item],
      ]),
    );
  } else if (types.isSet(value)) {
    parts.push(...[...value].map((item): [string, unknown] => ['item', item]));
  }
  for (let owner: object | null = value; owner !== null && owner !== Object.prototype;) {
    for (const [name, { get, value: own }] of Object.entries(Object.getOwnPropertyDescriptors(owner)).concat(
      Object.getOwnPropertySymbols(owner).map(symbol => [
        String(symbol),
        Object.getOwnPropertyDescriptor(owner as object, symbol)!,
      ]),
    )) {
      if (get !== undefined) {
        parts.push([name, attempt(() => get.call(value) as unknown)]);
      } else if (owner === value) {
        parts.push([name, own]);
      }
    }
    owner = typeof value === 'function' ? null : (Object.getPrototypeOf(owner) as object | null);
  }
  return parts;
}

/** Bytes are printed with spaces and lines between them. */
function withoutSpace(text: string): string {
  return text.replaceAll(/\s+/g, '');
}

function textForms(text: string): string[] {
  const body = text.replaceAll(/-----[A-Z ]+-----/g, '').trim();
  // PEM begins as the PEM of all other keys does.
  const start = text === body ? 0 : 40;
  return [body.slice(start, start + PART), body.slice(-PART)].flatMap(part => [
    part,
    JSON.stringify(part).slice(1, -1),
  ]);
}

function byteForms(bytes: Uint8Array): string[] {
  // Of base64, the last group depends on what comes after it.
  const whole = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 3)));
  return [
    ...ends(bytes).flatMap(part => [Buffer.from(part).toString('hex'), part.join(',')]),
    whole.toString('base64').slice(0, PART + 4),
    whole.toString('base64url').slice(0, PART + 4),
  ];
}

function ends(bytes: Uint8Array): Uint8Array[] {
  return bytes.length <= PART ? [bytes] : [bytes.subarray(0, PART), bytes.subarray(-PART)];
}

function rendered(thing: unknown): string[] {
  if (typeof thing === 'string') {
    return [thing];
  }
  const texts = [inspect(thing), inspect(thing, { depth: 6, showHidden: true, maxStringLength: null })];
  try {
    texts.push(JSON.stringify(thing) ?? '');
  } catch {
    // It goes round in circles, or has no JSON: nobody will see it.
  }
  for (let error = thing; error instanceof Error; error = error.cause) {
    texts.push(error.message, error.stack ?? '');
  }
  return texts;
}

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}
