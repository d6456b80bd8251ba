import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, runAttack } from '../support/attacks/run-attack.js';

/** Who takes no replies is given up at once where others need the memory, and else after this; ten seconds are the default. */
const STALL_TIMEOUT_MS = 1_000;

describe('A8, a peer that does not read its replies', () => {
  it('is held', async () => {
    const victim = await AttackedProcess.victim({ stallTimeout: STALL_TIMEOUT_MS });
    const report = await runAttack(victim, 'A8');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A8');
    await untilMemoryIsBack(victim, report);
  });

  it('fills the memory of bare zeromq.js', async () => {
    const report = await runAttack(await AttackedProcess.bareRouter(), 'A8');
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});
