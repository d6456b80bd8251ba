import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

describe('A21, ids that are huge, used twice or guessed', () => {
  it('is held: no id above the limit is answered, and no request of others is cancelled', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A21');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A21');
  });

  it('has bare zeromq.js send back ids of 64 KB', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A21');
    expect(outcome.breaches).toEqual({ 'an id of 64 KB was answered': expect.any(Number) });
  });
});
