import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

/** Header, length of the name, name, and what is behind it. */
const PONG_BYTES = 2 + 1 + 4;
const UNKNOWN_BYTES = 2 + 1 + 5 + 8;

describe('A11, commands without pause', () => {
  it.each(['A11', 'A11-unknown'])('is held: %s', async attack => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, attack);
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A11');
  });

  it('has bare zeromq.js answer a hundred thousand PINGs and more', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A11');
    expect(outcome.bytesReceived / PONG_BYTES).toBeGreaterThan(100_000);
    expect(outcome.closedByTarget).toBe(0);
  });

  it('has bare zeromq.js read commands that nobody knows', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A11-unknown');
    expect(outcome.bytesSent / UNKNOWN_BYTES).toBeGreaterThan(1_000_000);
    expect(outcome.closedByTarget).toBe(0);
  });
});
