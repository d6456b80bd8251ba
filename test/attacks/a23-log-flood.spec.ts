import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { floodNestTcp } from '../support/attacks/nest-tcp-flood.js';
import { runAttack } from '../support/attacks/run-attack.js';
import { until } from '../support/zmq-app.js';

const EVENTS = 20_000;
const FORGED = /^\[Nest\] 1 - LOG forged/m;

describe('A23, events that nobody handles', () => {
  it('is held: what is logged is a sample, and forges no line', async () => {
    const victim = await AttackedProcess.victim();
    const before = victim.logLines;
    const report = await runAttack(victim, 'A23');
    expect(report.verdict.reasons).toEqual([]);
    expect(victim.logLines - before).toBeLessThan(20);
    expect(victim.log).not.toMatch(FORGED);
    expectReported(victim, 'A23');
  });

  it("has Nest's own TCP transport log every one", async () => {
    const nest = await AttackedProcess.nestTcp();
    await floodNestTcp(nest.target, EVENTS);
    await until(() => nest.logLines >= EVENTS, 20_000);
    expect(nest.log).toMatch(FORGED);
  });
});
