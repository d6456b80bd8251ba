import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../lib/cli/drill/catalogue.js';
import { drillHelp } from '../../../lib/cli/drill/drill-help.js';
import { HARD_CAPS } from '../../../lib/cli/drill/hard-caps.js';
import { CONNECTION_BYTES, TLS_CONNECTION_BYTES } from '../../../lib/gate/admission.js';
import { VIOLATION_IDS } from '../../../lib/limits/violation.js';
import { POLICY_KINDS, type ZmqPolicyKind } from '../../../lib/options/gate-options.js';
import { resolveServerOptions } from '../../../lib/options/server-options.js';
import { exposureOf } from '../../../lib/security/exposure.js';
import { AUTHENTICATION_FAILURES } from '../../../lib/security/verdict.js';
import { createEngines } from '../../../lib/server/engines.js';
import { codeBlocks, readDocument, section, tableRows } from '../../support/markdown.js';

const document = readDocument('docs/security.md');
const attacks = tableRows(section(document, 'Attack catalogue'));
const figures = tableRows(section(document, 'Figures'));
const violations = tableRows(section(document, 'Violations'));
const ALL_IDS = Array.from({ length: 28 }, (_, index) => `A${index + 1}`);

describe('docs/security.md', () => {
  it('has every attack of the catalogue once, in order', () => {
    expect(attacks.map(([id]) => id)).toEqual(ALL_IDS);
  });

  it('names for each attack of the drill that it is tried by it, and no other', () => {
    const tried = attacks.filter(row => row.at(-1)?.startsWith('drill')).map(([id]) => id);
    const drilled = CATALOGUE.map(({ id }) => id.split('-')[0] as string).filter(id => id !== 'partials');
    expect(tried).toEqual([...new Set(drilled)]);
  });

  it('has a row of figures for each attack of the drill, and says what it does', () => {
    expect(figures.slice(0, -1).map(([id, what]) => ({ id, what }))).toEqual(
      CATALOGUE.map(({ id, title }) => ({ id, what: title })),
    );
  });

  it('has every kind of violation with its number', () => {
    expect(violations.map(([kind, id]) => [kind, id])).toEqual(Object.entries(VIOLATION_IDS));
  });

  it.each(violations)('says of %s whether it has a policy', (kind, _id, _what, done) => {
    expect(done?.includes('policy')).toBe(POLICY_KINDS.includes(kind as ZmqPolicyKind));
  });

  it('names options that exist', () => {
    const { client, server } = optionsOfDocument();
    const named = Array.from(document.matchAll(/`((?:gate|limits|socket|concurrency)\.[\w.]+)`/g), ([, name]) => name!);
    const groups = [...server].map(name => name.slice(0, name.lastIndexOf('.')));
    expect(named.filter(name => !server.has(name) && !groups.includes(name))).toEqual([]);
    expect(client.has('reconnect.minDelay')).toBe(true);
    expect(named.length).toBeGreaterThan(20);
  });

  it('says how many connections a budget allows', () => {
    const connections = (budget: number, cost = CONNECTION_BYTES) =>
      Math.floor(budget / 2 / 4 / cost).toLocaleString('en-US');
    expect(document).toContain(`${connections(64 * 1024 ** 2)} with 64 MB`);
    expect(document).toContain(`${connections(64 * 1024 ** 2, TLS_CONNECTION_BYTES)} with 64 MB`);
    const options = readDocument('docs/options.md');
    expect(options).toContain(`${connections(256 * 1024 ** 2)} with 256mb`);
    expect(options).toContain(`${connections(256 * 1024 ** 2, TLS_CONNECTION_BYTES)} with TLS`);
  });

  it.each(['64mb', '8mb', '3.2mb'] as const)('gives half of a budget of %s to handlers and replies', memoryBudget => {
    const options = resolveServerOptions({ bind: 'tcp://127.0.0.1:*', memoryBudget, limits: { outboxSize: '2mb' } });
    const { budget } = createEngines(options, { decisionFor: () => undefined, onTlsReloaded: () => undefined });
    expect(budget.limit).toBe(Math.floor(options.memoryBudget / 2));
    expect(document).toContain('| handlers and replies | half |');
  });

  it('has every reason for which somebody is not let in', () => {
    const reasons = section(document, 'The layers');
    expect(AUTHENTICATION_FAILURES.filter(reason => !reasons.includes(`\`${reason}\``))).toEqual([]);
  });

  it('says what is true of listeners that nothing protects', () => {
    const open = { endpoint: 'tcp://0.0.0.0:5555', tls: undefined, mechanism: 'NULL', anonymous: undefined } as const;
    expect(exposureOf(open, false)).toBeDefined();
    expect(exposureOf({ ...open, mechanism: 'PLAIN' }, true)).toBeDefined();
    expect(exposureOf({ ...open, mechanism: 'CURVE' }, false)).toBeDefined();
    expect(exposureOf({ ...open, mechanism: 'CURVE' }, true)).toBeUndefined();
    expect(exposureOf({ ...open, mechanism: 'CURVE', anonymous: true }, false)).toBeUndefined();
  });

  it('shows commands of the drill with flags that exist', () => {
    const commands = codeBlocks(section(document, 'A drill of your own service'), 'sh').join();
    const flags = Array.from(commands.matchAll(/--[a-z-]+/g), ([flag]) => flag).filter(flag => flag !== '--help');
    expect(flags.filter(flag => !drillHelp().includes(`  ${flag} `))).toEqual([]);
    expect(flags.length).toBeGreaterThan(4);
    expect(HARD_CAPS.seconds).toBeGreaterThanOrEqual(10);
  });

  it('shows the event of a violation as it is', () => {
    const [example = ''] = codeBlocks(section(document, 'Violations'), 'json');
    expect(JSON.parse(example)).toMatchObject({ id: VIOLATION_IDS['too-many-frames'], kind: 'too-many-frames' });
  });
});

function optionsOfDocument(): { readonly server: ReadonlySet<string>; readonly client: ReadonlySet<string> } {
  const options = readDocument('docs/options.md');
  const names = (heading: string) => tableRows(section(options, heading)).map(([name = '']) => name);
  return {
    server: new Set([...names('Server'), ...names('Gate'), ...names('Socket')]),
    client: new Set(names('Client')),
  };
}
