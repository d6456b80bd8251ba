import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

const ALL = 2_000;

describe('A6, more connections than anybody needs', () => {
  it('is held: one address gets no more than its share', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A6');
    expect(report.verdict.reasons).toEqual([]);
    // They come too fast before they are too many.
    expectReported(victim, 'A15');
    expect(report.outcome.joined).toBeLessThan(ALL / 2);
  });

  it('gets every connection that it wants from bare zeromq.js', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A6');
    expect(outcome.openAtEnd).toBe(ALL);
  });
});
