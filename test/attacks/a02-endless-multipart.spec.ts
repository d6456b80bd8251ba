import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, runAttack } from '../support/attacks/run-attack.js';

describe('A2, a message without end', () => {
  it.each(['A2', 'A2-tiny', 'A2-empty'])('is held: %s', async attack => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, attack);
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A2');
    await untilMemoryIsBack(victim, report);
  });

  it.each(['A2', 'A2-tiny', 'A2-empty'])('fills the memory of bare zeromq.js: %s', async attack => {
    const report = await runAttack(await AttackedProcess.bareRouter(), attack);
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});
