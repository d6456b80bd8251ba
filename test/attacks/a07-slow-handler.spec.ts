import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, runAttack } from '../support/attacks/run-attack.js';

describe('A7, large messages to a slow handler', () => {
  it('is held', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A7');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A7');
    await untilMemoryIsBack(victim, report);
  });

  it('fills the memory of bare zeromq.js', async () => {
    const report = await runAttack(await AttackedProcess.bareRouter(), 'A7');
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});
