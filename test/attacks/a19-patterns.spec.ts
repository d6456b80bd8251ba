import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { floodNestTcp } from '../support/attacks/nest-tcp-flood.js';
import { runAttack } from '../support/attacks/run-attack.js';
import { until } from '../support/zmq-app.js';

const PATTERNS = 20_000;

describe('A19, another pattern each time', () => {
  it('is held: nothing is kept of patterns that have no handler, and little is logged', async () => {
    const victim = await AttackedProcess.victim();
    const before = victim.logLines;
    const report = await runAttack(victim, 'A19');
    expect(report.verdict.reasons).toEqual([]);
    expect(victim.logLines - before).toBeLessThan(20);
    expectReported(victim, 'A23');
    await untilMemoryIsBack(victim, report);
  });

  it("has Nest's own TCP transport log every pattern", async () => {
    const nest = await AttackedProcess.nestTcp();
    await floodNestTcp(nest.target, PATTERNS);
    await until(() => nest.logLines >= PATTERNS, 20_000);
    expect(nest.logLines).toBeGreaterThanOrEqual(PATTERNS);
  });
});
