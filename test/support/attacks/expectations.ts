import { expect } from 'vitest';
import type { ZmqViolationId } from '../../../lib/limits/violation.js';
import type { AttackedProcess } from './attacked-process.js';
import type { AttackReport } from './run-attack.js';

/** What the C library keeps of what was freed, for the next one that asks: this much, and of a large budget a tenth. */
const KEPT_BYTES = 16 * 1024 ** 2;
const KEPT_PART = 1 / 10;
const BACK_WITHIN_MS = 10_000;
/** Where attackers come from: 127.0.0.2 to 127.0.1.50. The honest client's address is 127.0.0.1. */
const ATTACKER = /^127\.0\.(?:0\.(?!1$)|1\.)\d+$/;

/** That violations of this number were reported with the attackers' addresses, and none of the honest client. */
export function expectReported({ violations }: AttackedProcess, id: ZmqViolationId): void {
  const addresses = violations.filter(violation => violation.id === id).map(({ address }) => address);
  expect(addresses).not.toHaveLength(0);
  for (const address of new Set(addresses)) {
    expect(address).toMatch(ATTACKER);
  }
  expect(violations.filter(({ address }) => address === '127.0.0.1')).toEqual([]);
}

/** Waits until what the attack took is given back; fails after ten seconds. */
export async function untilMemoryIsBack(attacked: AttackedProcess, { warm }: AttackReport): Promise<void> {
  const kept = Math.max(KEPT_BYTES, attacked.budget * KEPT_PART);
  await attacked.untilMemoryBelow(warm * 1.1 + kept, BACK_WITHIN_MS);
}
