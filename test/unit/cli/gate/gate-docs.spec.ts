import { describe, expect, it } from 'vitest';
import { GateSecurity } from '../../../../lib/cli/gate/gate-security.js';
import { gateHelp } from '../../../../lib/cli/gate/gate-help.js';
import { resolveSettings, SETTING_FIELDS } from '../../../../lib/cli/gate/gate-settings.js';
import { parseGateFlags } from '../../../../lib/cli/gate/gate-flags.js';
import { StatusSource } from '../../../../lib/cli/gate/gate-status.js';
import { Traffic } from '../../../../lib/cli/gate/traffic.js';
import { parseBytes } from '../../../../lib/options/bytes.js';
import { codeBlocks, readDocument, section, tableRows } from '../../../support/markdown.js';

const document = readDocument('docs/gate.md');
const options = tableRows(section(document, 'Options'));
const DEFAULTS = resolveSettings({ listen: 'tcp://127.0.0.1:5555', forward: 'ipc:///tmp/app.sock' }, {});

/** A value as the document has it. */
function shown(name: string, text: string): unknown {
  const value = DEFAULTS[name as keyof typeof DEFAULTS];
  if (typeof value === 'boolean') {
    return text === 'true';
  }
  return typeof value === 'string' ? text : /^\d+$/.test(text) ? Number(text) : parseBytes(text, name);
}

describe('docs/gate.md', () => {
  it('has every option of the config file, and no other', () => {
    const names = options.map(([, name = '']) => name).filter(name => name !== '');
    expect(names).toEqual(Object.keys(SETTING_FIELDS));
  });

  it('has every flag of the help, and no other', () => {
    const flags = Array.from(gateHelp().matchAll(/^ {2}(--[a-z-]+)/gm), ([, name = '']) => name);
    const documented = options.map(([name = '']) => name).filter(name => name !== '' && name !== '--help');
    expect(documented.toSorted()).toEqual(flags.toSorted());
  });

  it.each(options.filter(([, name = '', fallback = '']) => name !== '' && /^[\da-z]+$/.test(fallback)))(
    'has the default of %s, %s',
    (_flag, name, fallback) => {
      expect(fallback === 'required' ? undefined : DEFAULTS[name as keyof typeof DEFAULTS]).toEqual(
        fallback === 'required' ? undefined : shown(name as string, fallback as string),
      );
    },
  );

  it('has the default of --status-interval', () => {
    const [, , fallback] = options.find(([flag]) => flag === '--status-interval') ?? [];
    expect(parseGateFlags([])).toMatchObject({ statusInterval: Number(fallback) * 1_000 });
  });

  it('has an example of a config file that works', () => {
    const [example = ''] = codeBlocks(document, 'json');
    const settings = resolveSettings(JSON.parse(example), {});
    expect(settings.gate.policies['too-many-frames']).toBe('ban');
    expect(() => new GateSecurity(settings)).not.toThrow();
  });

  it('has every field of a status', () => {
    const [, , fields = ''] = tableRows(section(document, 'What it says')).find(([event]) => event === 'status') ?? [];
    const sources = { traffic: new Traffic(), memoryBudget: 1, connections: () => 0, heldBytes: () => 0 };
    const status = new StatusSource({ ...sources, service: () => 'unknown' }).read();
    expect(fields.replaceAll('`', '').split(', ')).toEqual(Object.keys(status));
  });

  it('has a row for each option of a listener', () => {
    const rows = tableRows(section(document, 'Security')).flatMap(([names = '']) => names.match(/\w+/g) ?? []);
    const [listener] = DEFAULTS.listen;
    const fixed = ['engine', 'gate', 'ownGate'];
    expect(rows.toSorted()).toEqual(
      Object.keys(listener!)
        .filter(name => !fixed.includes(name))
        .toSorted(),
    );
  });

  it('has a row for each type of service', () => {
    const types = tableRows(section(document, 'Services')).map(([type]) => type);
    expect(types).toEqual(['router', 'rep', 'pull', 'sub']);
  });
});
