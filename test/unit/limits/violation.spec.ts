import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VIOLATION_IDS } from '../../../lib/limits/violation.js';
import { POLICY_KINDS } from '../../../lib/options/gate-options.js';

describe('the kinds of violations', () => {
  it('each have a number of the catalogue', () => {
    for (const id of Object.values(VIOLATION_IDS)) {
      expect(id).toMatch(/^A(?:[1-9]|1\d|2[0-8])$/);
    }
  });

  it('are those of which the user can choose the consequence, and more', () => {
    expect(Object.keys(VIOLATION_IDS)).toEqual(expect.arrayContaining([...POLICY_KINDS]));
  });

  it('each say what they mean where they are defined', () => {
    const source = readFileSync(new URL('../../../lib/limits/violation.ts', import.meta.url), 'utf8');
    expect(source.match(/^ {2}\/\*\*/gm)?.length).toBeGreaterThan(10);
  });
});
