import { describe, expect, it } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { parseBytes } from '../../../lib/options/bytes.js';
import { ZMQ_DEFAULT_MAX_MEMORY_BUDGET } from '../../../lib/options/defaults.js';
import { resolveClientOptions } from '../../../lib/options/client-options.js';
import { resolveServerOptions } from '../../../lib/options/server-options.js';
import { readDocument, section, tableRows } from '../../support/markdown.js';

interface Documented {
  readonly name: string;
  readonly unit: string;
  readonly fallback: string;
  readonly range: string;
  readonly effect: string;
}
type Resolve = (options: object) => object;

const document = readDocument('docs/options.md');
const rowsOf = (heading: string): Documented[] =>
  tableRows(section(document, heading)).map(([name = '', unit = '', fallback = '', range = '', effect = '']) => ({
    name,
    unit,
    fallback,
    range,
    effect,
  }));

const sides: { side: string; resolve: Resolve; rows: Documented[] }[] = [
  { side: 'Server', resolve: resolveServerOptions as Resolve, rows: [...rowsOf('Server'), ...rowsOf('Socket')] },
  { side: 'Client', resolve: resolveClientOptions as Resolve, rows: [...rowsOf('Client'), ...rowsOf('Socket')] },
];

/** The options that exist, by their path, with the value that each has when it is not given. */
function defaultsOf(options: object, prefix = ''): [string, unknown][] {
  return Object.entries(options).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? defaultsOf(value, `${prefix}${name}.`)
      : [[prefix + name, value] as [string, unknown]],
  );
}

/** What the options say to a value that none of them takes. */
function refusalOf(resolve: Resolve, path: string, value: unknown): string {
  const options = path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  try {
    resolve(options as object);
  } catch (error) {
    if (error instanceof ZmqException && error.code === 'INVALID_OPTIONS') return error.message;
    throw error;
  }
  throw new Error(`${path} takes ${String(value)}`);
}

const { memoryBudget } = resolveServerOptions({});
const number = (text: string): number => Number(text.replaceAll(',', ''));
const bytes = (text: string): number => parseBytes(text.replaceAll(',', ''), 'docs/options.md');

/** What the document says: the default as a value, and the part of a refusal that tells the type and the bounds. */
function promiseOf({ name, unit, fallback, range }: Documented): { fallback: unknown; refusal: string } {
  const [min = '', max = ''] = range.split(' to ');
  switch (unit) {
    case 'endpoint(s)':
      return { fallback: [fallback], refusal: `must have from ${min} to ${max} endpoints` };
    case 'bytes':
      return {
        // The one default that depends on the machine.
        fallback: name === 'memoryBudget' ? memoryBudget : bytes(fallback),
        refusal: `must be from ${bytes(min)} to ${bytes(max)} bytes`,
      };
    case 'ms':
      return {
        fallback: number(fallback),
        refusal: `must be a number of milliseconds from ${number(min)} to ${number(max)},`,
      };
    case 's':
    case 'count':
      return { fallback: number(fallback), refusal: `must be a whole number from ${number(min)} to ${number(max)},` };
    case 'flag':
      return { fallback: fallback === 'true', refusal: 'must be true or false' };
    case 'choice':
      return { fallback, refusal: `must be one of ${range},` };
    case 'object':
      return { fallback: undefined, refusal: 'must have a method' };
    default:
      throw new Error(`${name} has the unknown unit "${unit}"`);
  }
}

/** A value that no option of the unit takes. */
function wrongValue(unit: string): unknown {
  switch (unit) {
    case 'endpoint(s)':
      return [];
    case 'bytes':
      return Number.MAX_SAFE_INTEGER;
    default:
      return -1;
  }
}

describe.each(sides)('docs/options.md for the options of: $side', ({ resolve, rows }) => {
  const defaults = new Map(defaultsOf(resolve({})));

  it('has every option once, and no other', () => {
    expect(rows.map(({ name }) => name).toSorted()).toEqual([...defaults.keys()].toSorted());
  });

  it.each(rows)('has the unit, default and range of $name, and its effect', row => {
    const { fallback, refusal } = promiseOf(row);
    expect(defaults.get(row.name)).toEqual(fallback);
    expect(refusalOf(resolve, row.name, wrongValue(row.unit))).toContain(refusal);
    expect(row.effect).not.toBe('');
  });
});

it('docs/options.md has the default of memoryBudget in words', () => {
  const row = sides[0]?.rows.find(({ name }) => name === 'memoryBudget');
  expect(row?.fallback).toBe('a quarter of the memory that the process may use, at most 256mb');
  expect(ZMQ_DEFAULT_MAX_MEMORY_BUDGET).toBe(bytes('256mb'));
  expect(memoryBudget).toBeLessThanOrEqual(bytes('256mb'));
});
