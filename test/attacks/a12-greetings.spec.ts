import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

describe('A12, anything but a greeting of ZMTP 3', () => {
  it('is turned away', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A12');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A12');
  });

  it('gets answers in ZMTP 1 and 2 from bare zeromq.js', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A12');
    expect(outcome.breaches).toEqual({ 'a peer of ZMTP 1 or 2 was answered': expect.any(Number) });
  });
});
