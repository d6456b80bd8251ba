import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { runAttack } from '../support/attacks/run-attack.js';

/** More than greeting and READY: whoever got more got answers. */
const HANDSHAKE_BYTES = 256;

describe('A13, a name that the peer claims for itself', () => {
  it('never arrives', async () => {
    const report = await runAttack(await AttackedProcess.victim(), 'A13');
    expect(report.verdict.reasons).toEqual([]);
    expect(report.outcome.bytesReceived).toBeGreaterThan(report.outcome.joined * HANDSHAKE_BYTES);
  });

  it('arrives as the sender of a message at bare zeromq.js', async () => {
    const { outcome } = await runAttack(await AttackedProcess.bareRouter(), 'A13');
    expect(outcome.breaches).toEqual({ 'a claimed identity arrived': expect.any(Number) });
  });
});
