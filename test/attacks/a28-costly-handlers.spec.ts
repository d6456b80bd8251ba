import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { LEAST_GOODPUT, runAttack } from '../support/attacks/run-attack.js';

describe('A28, costly work that nobody waits for', () => {
  it('is held', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A28');
    expect(report.verdict.reasons).toEqual([]);
    // Costly work breaks no rule: it has its turns, and is told only once it is refused.
    expect(victim.violations.filter(({ address }) => address === '127.0.0.1')).toEqual([]);
  });

  it('keeps bare zeromq.js from its other clients', async () => {
    const report = await runAttack(await AttackedProcess.bareRouter(), 'A28');
    expect(report.ratio).toBeLessThan(LEAST_GOODPUT);
  });
});
