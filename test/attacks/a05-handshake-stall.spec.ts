import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

describe('A5, a handshake that is never finished', () => {
  it('is held: a connection is closed, or left unanswered, when its time is up', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A5');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A5');
    expect(report.outcome.closedByTarget).toBeGreaterThan(0);
    expect(report.outcome.openAtEnd).toBeLessThan(report.outcome.opened);
  });

  it('leaves bare zeromq.js with every connection open', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A5');
    expect(outcome.closedByTarget).toBe(0);
    expect(outcome.openAtEnd).toBe(outcome.opened);
  });
});
