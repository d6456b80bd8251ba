import { describe, expect, it } from 'vitest';
import { parseBytes } from '../../../lib/options/bytes.js';
import { ZMQ_DEFAULT_MAX_MEMORY_BUDGET } from '../../../lib/options/defaults.js';
import { resolveClientOptions } from '../../../lib/options/client-options.js';
import { MECHANISMS } from '../../../lib/options/listener-options.js';
import { resolveServerOptions } from '../../../lib/options/server-options.js';
import { resolveModuleOptions } from '../../../lib/module/zmq-module-options.js';
import { resolveRateLimitStore } from '../../../lib/pipeline/rate-limit-store.js';
import { resolveValidation } from '../../../lib/pipeline/validation-options.js';
import { readDocument, section, tableRows } from '../../support/markdown.js';
import { knownOptions, optionRefusal } from '../../support/option-refusals.js';

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
  {
    side: 'Server',
    resolve: resolveServerOptions as Resolve,
    rows: [...rowsOf('Server'), ...rowsOf('Gate'), ...rowsOf('Socket')],
  },
  {
    side: 'Client',
    // Off unless it is given, and has the documented defaults then.
    resolve: options => resolveClientOptions({ retry: {}, ...options }),
    rows: [...rowsOf('Client'), ...rowsOf('Socket')],
  },
];

/** Groups that have tables of their own. */
const OWN_TABLES: ReadonlySet<string> = new Set(['tls', 'curve', 'plain', 'signing', 'identities']);

/** The options that exist, by their path, with the value that each has when it is not given. */
function defaultsOf(options: object, prefix = ''): [string, unknown][] {
  return Object.entries(options).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !OWN_TABLES.has(name)
      ? defaultsOf(value, `${prefix}${name}.`)
      : [[prefix + name, value] as [string, unknown]],
  );
}

/** What the options say to a value that none of them takes. */
function refusalOf(resolve: Resolve, path: string, value: unknown): string {
  const options = path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  return optionRefusal(() => resolve(options as object));
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
    case 'group':
      return { fallback: undefined, refusal: 'must be an object' };
    case 'rule(s)':
      return { fallback: undefined, refusal: "must be 'anyone', a rule or a list of rules" };
    case 'bytes':
      return {
        // The one default that depends on the machine.
        fallback: name === 'memoryBudget' ? memoryBudget : fallback === 'none' ? undefined : bytes(fallback),
        refusal: `must be from ${bytes(min)} to ${bytes(max)} bytes`,
      };
    case 'ms':
      return {
        fallback: number(fallback),
        refusal: `must be a number of milliseconds from ${number(min)} to ${number(max)},`,
      };
    case 's':
    case 'count':
      return {
        fallback: fallback === 'none' ? undefined : number(fallback),
        refusal: `must be a whole number from ${number(min)} to ${number(max)},`,
      };
    case 'fraction':
      return { fallback: number(fallback), refusal: `must be a fraction from ${number(min)} to ${number(max)},` };
    case 'flag':
      return { fallback: fallback === 'none' ? undefined : fallback === 'true', refusal: 'must be true or false' };
    case 'choice':
      return { fallback: fallback === 'none' ? undefined : fallback, refusal: `must be one of ${range},` };
    case 'object':
      return { fallback: undefined, refusal: name.endsWith('.redis') ? 'must be a client of' : 'must have a method' };
    case 'text':
      return { fallback, refusal: `must be text of ${min} to ${max} characters` };
    case 'function':
      return { fallback: undefined, refusal: 'must be a function' };
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

/** The default as the document writes it: a listener as its endpoint, and of a group of its own whether it is there at all. */
function givenDefault({ name, unit }: Documented, defaults: ReadonlyMap<string, unknown>): unknown {
  const value = defaults.get(name);
  if (name === 'bind') {
    return (value as readonly { endpoint: string }[]).map(({ endpoint }) => endpoint);
  }
  return unit === 'group' ? undefined : value;
}

describe.each(sides)('docs/options.md for the options of: $side', ({ resolve, rows }) => {
  const defaults = new Map(defaultsOf(resolve({})));

  it('has every option once, and no other', () => {
    expect(rows.map(({ name }) => name).toSorted()).toEqual([...defaults.keys()].toSorted());
  });

  it.each(rows)('has the unit, default and range of $name, and its effect', row => {
    const { fallback, refusal } = promiseOf(row);
    expect(givenDefault(row, defaults)).toEqual(fallback);
    expect(refusalOf(resolve, row.name, wrongValue(row.unit))).toContain(refusal);
    expect(row.effect).not.toBe('');
  });
});

describe('docs/options.md for what says who may connect', () => {
  const server = resolveServerOptions as Resolve;
  const client = resolveClientOptions as Resolve;
  const known = (resolve: Resolve, group: string) =>
    knownOptions(() => resolve(nestedIn(group, { nope: 1 }) as object)).toSorted();
  /** The options of a table, also where a row has two of them. */
  const namesIn = (text: string) => tableRows(text).flatMap(([cell = '']) => cell.replaceAll('`', '').split(', '));
  const part = (heading: string, below: string) =>
    section(document, heading).split(`\n### ${below}\n`)[1]?.split('\n### ')[0] ?? '';

  it('has every option of a listener', () => {
    const listener = (options: object) => resolveServerOptions({ bind: { endpoint: 'tcp://[::1]:1', ...options } });
    const names = knownOptions(() => listener({ nope: 1 }));
    expect(namesIn(section(document, 'Listeners')).toSorted()).toEqual(names.toSorted());
    expect(listener({}).bind[0]).toMatchObject({ name: 'tcp://[::1]:1', allow: [], deny: [], roles: [], admit: [] });
  });

  it('has every option of an identity, with its greatest numbers', () => {
    const identity = (options: object) => resolveServerOptions({ identities: { ada: options } });
    const names = knownOptions(() => identity({ nope: 1 }));
    expect(namesIn(section(document, 'Identities')).toSorted()).toEqual(names.toSorted());
    const forms = tableRows(section(document, 'Identities')).map(([name = '', form = '']) => [name, form] as const);
    for (const [name, form] of forms.filter(([, text]) => text.includes('at most'))) {
      const most = Number(/at most (\d+)/.exec(form)?.[1]);
      const tooMany = Array.from({ length: most + 1 }, () => 'x');
      expect(optionRefusal(() => identity({ [name]: tooMany }))).toContain(
        `from ${name === 'roles' ? 0 : 1} to ${most} entries`,
      );
    }
  });

  it('has every option of TLS, on both sides', () => {
    expect(namesIn(part('TLS', 'Of a server')).toSorted()).toEqual(known(server, 'tls'));
    expect(namesIn(part('TLS', 'Of a client')).toSorted()).toEqual(known(client, 'tls'));
  });

  it('has the defaults of TLS', () => {
    const { cert, key } = { cert: '-----BEGIN X-----\n-----END X-----', key: '-----BEGIN Y-----\n-----END Y-----' };
    const { tls } = resolveServerOptions({ tls: { cert, key } });
    expect(tls).toMatchObject({ requireCertificate: false, minVersion: 'TLSv1.2', reloadInterval: 60_000 });
    expect(resolveServerOptions({ tls: { cert, key, ca: cert } }).tls?.requireCertificate).toBe(true);
    expect(resolveClientOptions({}).tls.minVersion).toBe('TLSv1.2');
    const [versions] = tableRows(part('TLS', 'Of a server')).filter(([name]) => name === 'minVersion');
    const refusal = optionRefusal(() => resolveServerOptions({ tls: { cert, key, minVersion: 'SSLv3' as 'TLSv1.2' } }));
    expect(refusal).toContain(`must be one of ${versions?.[1]},`);
  });

  it('has every credential, by side', () => {
    const named = tableRows(section(document, 'Credentials')).map(([names = '', side]) => ({ names, side }));
    const of = (group: string, ...sides: string[]) =>
      named
        .filter(({ names, side = '' }) => names.includes(`${group}.`) && sides.includes(side))
        .flatMap(({ names }) => names.replaceAll('`', '').split(', '))
        .map(name => name.slice(group.length + 1))
        .toSorted();
    expect(of('curve', 'both')).toEqual(known(server, 'curve'));
    expect(of('curve', 'both', 'client')).toEqual(known(client, 'curve'));
    expect(of('plain', 'client')).toEqual(known(client, 'plain'));
    expect(of('signing', 'client')).toEqual(known(client, 'signing'));
  });

  it('has the mechanisms', () => {
    const [row] = tableRows(section(document, 'Listeners')).filter(([name]) => name === 'mechanism');
    expect(row?.[1]).toBe(MECHANISMS.join(', '));
  });
});

it('docs/options.md has the default of memoryBudget in words', () => {
  const row = sides[0]?.rows.find(({ name }) => name === 'memoryBudget');
  expect(row?.fallback).toBe('a quarter of the memory that the process may use, at most 256mb');
  expect(ZMQ_DEFAULT_MAX_MEMORY_BUDGET).toBe(bytes('256mb'));
  expect(memoryBudget).toBeLessThanOrEqual(bytes('256mb'));
});

describe('docs/options.md for the options of the module', () => {
  const rows = rowsOf('Module');
  const redis = { eval: () => undefined, evalSha: () => undefined };
  /** The parts of the module that check their options themselves, by the name that the module has for them. */
  const parts: readonly { readonly prefix: string; readonly resolve: Resolve }[] = [
    {
      prefix: 'rateLimits.store',
      resolve: options => resolveRateLimitStore({ redis, ...options }, 'store') as object,
    },
    { prefix: 'validation', resolve: resolveValidation },
    {
      prefix: 'limits.concurrency',
      resolve: options => resolveModuleOptions({ limits: { concurrency: { limit: 1, ...options } } }),
    },
  ];
  const resolverOf = (name: string) => {
    const part = parts.find(({ prefix }) => name.startsWith(`${prefix}.`));
    return part === undefined
      ? { resolve: resolveModuleOptions as Resolve, path: name }
      : { resolve: part.resolve, path: name.slice(part.prefix.length + 1) };
  };

  it("has every option once, and no other but those of validation that are Nest's", () => {
    const below = (path: string) =>
      knownOptions(() => resolveModuleOptions(nestedIn(path, { nope: 1 }))).map(name => `${path}.${name}`);
    const groups = ['limits', 'limits.rateLimit', 'limits.concurrency', 'rateLimits'];
    const names = [
      ...knownOptions(() => resolveModuleOptions({ nope: 1 })),
      ...groups.flatMap(below),
      ...knownOptions(() => resolveRateLimitStore({ redis, nope: 1 }, 'store')).map(name => `rateLimits.store.${name}`),
      ...['maxStringLength', 'maxProperties', 'maxErrors'].map(name => `validation.${name}`),
      // Of each handler the same as of all.
    ].filter(name => ![...groups, 'handlers', 'rateLimits.store', 'validation'].includes(name));
    expect(rows.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  it.each(rows)('has the unit and range of $name, and its effect', row => {
    const { resolve, path } = resolverOf(row.name);
    expect(refusalOf(resolve, path, wrongValue(row.unit))).toContain(promiseOf(row).refusal);
    expect(row.effect).not.toBe('');
  });

  it.each(rows.filter(({ name }) => !name.startsWith('limits.')))('has the default of $name', row => {
    const { resolve, path } = resolverOf(row.name);
    const fallback = new Map(defaultsOf(resolve({}))).get(path);
    const { fallback: promised } = promiseOf(row);
    expect(row.unit === 'object' ? undefined : fallback).toEqual(promised);
  });

  it('has no defaults of limits but those within a rate and within places', () => {
    const given = { rateLimit: { points: 1 }, concurrency: { limit: 1 } };
    const { limits } = resolveModuleOptions({ limits: given });
    const promised = (name: string) => promiseOf(rows.find(row => row.name === `limits.${name}`)!).fallback;
    expect(resolveModuleOptions({}).limits).toEqual({});
    expect(limits.rateLimit?.[0]).toMatchObject({
      duration: promised('rateLimit.duration'),
      by: promised('rateLimit.by'),
    });
    expect(limits.concurrency).toEqual({ limit: 1, queue: promised('concurrency.queue') });
    const without = rows.filter(({ name, fallback }) => name.startsWith('limits.') && fallback !== 'none');
    expect(without.map(({ name }) => name)).toEqual([
      'limits.rateLimit.duration',
      'limits.rateLimit.by',
      'limits.concurrency.queue',
    ]);
  });
});

function nestedIn(path: string, value: unknown): unknown {
  return path.split('.').reduceRight((inner, name) => ({ [name]: inner }), value);
}
