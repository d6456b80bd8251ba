import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

/** New connections of one address a second, few enough for a slow machine to exceed them; four seconds' worth may come at once. */
const ACCEPT_RATE = 25;
/** Handshakes in three seconds that are more than eight addresses may have. */
const STORM = 8 * ACCEPT_RATE * (4 + 4);

describe('A15, connecting and leaving without pause', () => {
  it('is held: new connections of one address come at a bounded rate', async () => {
    const victim = await AttackedProcess.victim({ gate: { acceptRate: ACCEPT_RATE } });
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
