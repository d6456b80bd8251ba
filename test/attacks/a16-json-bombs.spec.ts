import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, LEAST_GOODPUT, runAttack } from '../support/attacks/run-attack.js';

describe('A16, JSON that costs more to decode than to send', () => {
  it('is held', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A16');
    expect(report.verdict.reasons).toEqual([]);
    // What cannot be decoded is noise; who goes on with it is thrown out.
    expectReported(victim, 'A23');
    await untilMemoryIsBack(victim, report);
  });

  it('takes memory or time of bare zeromq.js', async () => {
    const { ratio, over } = await runAttack(await AttackedProcess.bareRouter(), 'A16');
    expect(ratio < LEAST_GOODPUT || over > ALLOWED_BYTES).toBe(true);
  });
});
