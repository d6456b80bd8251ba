import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

const BREACH = 'an object with such a key reached a handler';

describe('A22, keys that pollute prototypes', () => {
  it('is held: no object with such a key reaches a handler', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A22');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A23');
  });

  it('reaches the handlers of bare zeromq.js', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A22');
    expect(outcome.breaches).toEqual({ [BREACH]: expect.any(Number) });
  });
});
