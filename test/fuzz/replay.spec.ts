import { describe, expect, it } from 'vitest';
import { TARGET_NAMES, TARGETS } from './all-targets.js';
import { readCorpus } from './corpus.js';
import { fuzzTarget } from './fuzz.js';
import { check } from './oracle.js';

describe.each(TARGET_NAMES)('the fuzz target %s', name => {
  it('stands all inputs that were ever kept', async () => {
    const corpus = readCorpus(name);
    expect(corpus.length).toBeGreaterThan(0);
    const failures: string[] = [];
    for (const { name: file, data } of corpus) {
      await check(TARGETS[name], data).catch(error => failures.push(`${file}: ${String(error)}`));
    }
    expect(failures).toEqual([]);
  });

  it('stands a second of new ones', async () => {
    const { executions, failures } = await fuzzTarget({ target: name, seconds: 1, seed: 1, print: () => undefined });
    expect(failures).toEqual([]);
    expect(executions).toBeGreaterThan(100);
  });
});
