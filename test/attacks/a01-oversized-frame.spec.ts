import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, runAttack } from '../support/attacks/run-attack.js';

describe('A1, a frame larger than any message may be', () => {
  it('is held', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A1');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A1');
    await untilMemoryIsBack(victim, report);
  });

  it('fills the memory of bare zeromq.js', async () => {
    const report = await runAttack(await AttackedProcess.bareRouter({ MAX_MESSAGE_SIZE: '-1' }), 'A1');
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});
