import { describe, expect, it } from 'vitest';
import type { Target } from '../../lib/cli/drill/target.js';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, runAttack } from '../support/attacks/run-attack.js';

describe('A10, subscriptions without end', () => {
  it.each(['A10', 'A10-message'])('is held: %s', async attack => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, attack);
    expect(report.verdict.reasons).toEqual([]);
    // As messages of a DEALER they are nothing but noise.
    expectReported(victim, attack === 'A10' ? 'A10' : 'A23');
    await untilMemoryIsBack(victim, report);
  });

  it.each(['A10', 'A10-message'])('fills the memory of a bare publisher: %s', async attack => {
    const bare = await AttackedProcess.bareRouter({ PUBLISHER: '1' });
    const report = await runAttack(bare, attack, { attackTarget: bare.publisher as Target, socketType: 'SUB' });
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});
