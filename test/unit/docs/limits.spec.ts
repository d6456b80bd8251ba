import { describe, expect, it } from 'vitest';
import { parseBytes } from '../../../lib/options/bytes.js';
import { resolveClientOptions } from '../../../lib/options/client-options.js';
import { mergeServerOptions, resolveServerOptions } from '../../../lib/options/server-options.js';
import { parseRules } from '../../../lib/pipeline/parse-rules.js';
import { knownOptions, optionRefusal } from '../../support/option-refusals.js';
import { readDocument, section, tableRows, type Row } from '../../support/markdown.js';

const document = readDocument('docs/limits.md');
const options = readDocument('docs/options.md');
const inForce = resolveServerOptions({});
/** Options of a server that limit nothing, or whom and not how much. */
const NO_LIMITS = [
  'bind',
  'serializer',
  'deserializer',
  'tls',
  'curve',
  'mechanism',
  'identities',
  'anonymous',
  'authenticator',
  'signatures.required',
  'signatures.window',
  'allowInsecure',
];
const LISTED = /`([a-zA-Z.]+)`/g;

/** The rows below a heading of the third order. */
function rowsBelow(heading: string): Row[] {
  const [, part = ''] = section(document, 'All limits').split(`\n### ${heading}\n`);
  return tableRows(part.split('\n### ')[0] ?? '');
}

/** The options that a cell names, whether as one in code or as several. */
function namesIn(cell = ''): string[] {
  const listed = Array.from(cell.matchAll(LISTED), ([, name]) => name as string);
  return listed.length > 0 ? listed : [cell];
}

function namesOf(heading: string): string[] {
  // The formatting of the first and last code in a cell has been taken off.
  return rowsBelow(heading).flatMap(([cell = '']) => namesIn(cell.includes('`') ? `\`${cell}\`` : cell));
}

const documented = (heading: string): Row[] => tableRows(section(options, heading));

describe('docs/limits.md', () => {
  it('has every limit of connections, but for the times and sizes of what is done about violations', () => {
    const names = namesOf('Of connections');
    const expected = documented('Gate')
      .map(([name = '']) => name.replace(/^gate\.(rate|addressRate)\..*$/, 'gate.$1'))
      .filter(name => !/policies|tarpit|Tarpit|ban|engine|heartbeatInterval/.test(name));
    expect(names.filter(name => name.startsWith('gate.')).toSorted()).toEqual([...new Set(expected)].toSorted());
  });

  it('has every limit of the server, and says truly which can be changed while it runs', () => {
    const names = namesOf('Of messages and peers');
    const expected = documented('Server').map(([name = '']) => name);
    expect([...names, ...NO_LIMITS].toSorted()).toEqual(expected.toSorted());
    for (const name of names.filter(limit => limit !== 'signatures.maxNonces')) {
      expect(() => mergeServerOptions(inForce, nested(name, valueAt(inForce, name)), 'live')).not.toThrow();
    }
    for (const name of ['engine', 'socket', 'signatures', ...NO_LIMITS.filter(option => !option.includes('.'))]) {
      expect(optionRefusal(() => mergeServerOptions(inForce, { [name]: {} }, 'live'))).toContain('has no option');
    }
  });

  it('has the defaults of what has one figure', () => {
    const checked = [...rowsBelow('Of messages and peers'), ...rowsBelow('Of connections')].filter(
      ([name = '', fallback = '']) => !name.includes('`') && /^[\d,.]+( [KM]B| s)?$/.test(fallback),
    );
    const differing = checked.filter(([name = '', fallback = '']) => figure(fallback) !== valueAt(inForce, name));
    expect(differing).toEqual([]);
    expect(checked.length).toBeGreaterThan(20);
  });

  it('has every limit of a handler', () => {
    const names = rowsBelow('Of handlers').flatMap(([, cell = '']) =>
      namesIn(cell.includes('`') ? `\`${cell}\`` : cell),
    );
    expect(names.toSorted()).toEqual(knownOptions(() => parseRules({ nope: 1 }, 'limits')).toSorted());
  });

  it('names limits of a client that exist', () => {
    const client = resolveClientOptions({ retry: {} });
    const missing = namesOf('Of a client').filter(name => valueAt(client, name) === undefined);
    expect(missing).toEqual([]);
  });
});

function nested(path: string, value: unknown): object {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

function valueAt(tree: object, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], tree);
}

/** Bytes, milliseconds or a number. */
function figure(text: string): number {
  const [amount = '', unit = ''] = text.replaceAll(',', '').split(' ');
  if (unit === 's') return 1_000 * Number(amount);
  return unit === '' ? Number(amount) : parseBytes(`${amount}${unit}`.toLowerCase(), 'docs/limits.md');
}
