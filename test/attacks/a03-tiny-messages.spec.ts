import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, LEAST_GOODPUT, runAttack } from '../support/attacks/run-attack.js';

describe('A3, messages and frames that are tiny', () => {
  it.each(['A3', 'A3-empty'])('is held: %s', async attack => {
    const report = await runAttack(await AttackedProcess.victim(), attack);
    expect(report.verdict.reasons).toEqual([]);
  });

  it('is held, and reported: A3-frames', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A3-frames');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A2');
    await untilMemoryIsBack(victim, report);
  });

  it('keeps bare zeromq.js from its other clients: A3-frames', async () => {
    const report = await runAttack(await AttackedProcess.bareRouter(), 'A3-frames');
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
    expect(report.ratio).toBeLessThan(LEAST_GOODPUT);
  });
});
