import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { LEAST_GOODPUT, runAttack } from '../support/attacks/run-attack.js';

describe('A18, many packets in one message', () => {
  it.each(['A18', 'A18-binary'])('is held: %s', async attack => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, attack);
    expect(report.verdict.reasons).toEqual([]);
    // The larger one of JSON has more values than may be decoded, and is refused for that.
    expectReported(victim, attack === 'A18' ? 'A23' : 'A18');
    await untilMemoryIsBack(victim, report);
  });

  it.each(['A18', 'A18-binary'])('keeps bare zeromq.js from its other clients: %s', async attack => {
    const report = await runAttack(await AttackedProcess.bareRouter(), attack);
    expect(report.ratio).toBeLessThan(LEAST_GOODPUT);
  });
});
