import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

/** Handshakes in three seconds that are more than eight addresses may have. */
const STORM = 6_000;

describe('A15, connecting and leaving without pause', () => {
  it('is held: new connections of one address come at a bounded rate', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A15');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A15');
    expect(report.outcome.joined).toBeLessThan(STORM);
  });

  it('gets as many handshakes as it wants from bare zeromq.js', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A15');
    expect(outcome.joined).toBeGreaterThan(STORM);
  });
});
