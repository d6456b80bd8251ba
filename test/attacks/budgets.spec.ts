import { describe, expect, it } from 'vitest';
import { LARGE_LOAD } from '../../lib/cli/drill/measurement.js';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { untilMemoryIsBack } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

const MEBI = 1024 ** 2;

// The attacks that take most, on a smaller and a larger budget than the others are tried on.
describe.each([32, 256])('with a budget of %d MB', megabytes => {
  it.each(['A2', 'A7', 'A8', 'A18', 'partials'])('%s is held', async attack => {
    const victim = await AttackedProcess.victim({ memoryBudget: megabytes * MEBI });
    const report = await runAttack(victim, attack, attack === 'partials' ? { load: LARGE_LOAD } : {});
    expect(report.verdict.reasons).toEqual([]);
    await untilMemoryIsBack(victim, report);
  });
});
