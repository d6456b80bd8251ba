import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../../lib/cli/drill/catalogue.js';
import { drillHelp } from '../../../../lib/cli/drill/drill-help.js';
import { HARD_CAPS } from '../../../../lib/cli/drill/hard-caps.js';
import { attackSources } from '../../../../lib/cli/drill/sources.js';

const NUMBERS = 'A1 A2 A3 A4 A5 A6 A7 A8 A10 A11 A12 A13 A15 A16 A17 A18 A19 A21 A22 A23 A26 A28'.split(' ');

describe('the catalogue of attacks', () => {
  it('has one for every number that the gate or the server answers', () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining([...NUMBERS, 'partials']));
  });

  it('is in the help, with the caps that no option lifts', () => {
    const help = drillHelp();
    for (const { id, title } of CATALOGUE) {
      expect(help).toContain(`${id.padEnd(12)}${title}`);
    }
    const { seconds, openConnections, totalConnections } = HARD_CAPS;
    for (const cap of [`${seconds} s`, `${openConnections} connections`, `${totalConnections} in all`, '6 GB']) {
      expect(help).toContain(cap);
    }
  });
});

describe('the sources of attacks', () => {
  it.runIf(process.platform === 'linux')('are loopback addresses other than the honest one', () => {
    const sources = attackSources('127.0.0.1');
    expect(sources[0]).toBe('127.0.0.2');
    expect(sources.at(-1)).toBe('127.0.1.50');
    expect(sources).not.toContain('127.0.0.1');
  });

  it.each(['::1', '192.0.2.10'])('are left to the system for %s', host => {
    expect(attackSources(host)).toEqual([undefined]);
  });
});
