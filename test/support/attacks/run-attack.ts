import { appendFileSync, mkdirSync } from 'node:fs';
import type { AttackOutcome, TargetPatterns } from '../../../lib/cli/drill/attack.js';
import { measure, type Measurement, type MeasurementOptions } from '../../../lib/cli/drill/measurement.js';
import { goodputRatio, judge, type Verdict } from '../../../lib/cli/drill/verdict.js';
import { BUDGET, type AttackedProcess } from './attacked-process.js';

/** Enough to show any harm, and kind to the machine. */
const STOP_AT_BYTES = 1024 ** 3;
const DEFAULT_MS = 3_000;
const MEBI = 1024 ** 2;
/** How much more than at rest a victim may have at its peak. */
export const ALLOWED_BYTES = BUDGET + 32 * MEBI;
/** Where figures are kept beside the console. */
const FIGURES = 'temp/attack-figures.jsonl';

export const PROGRAM = new URL('../../../dist/cli/drill/attacker-program.js', import.meta.url);
export const PATTERNS: TargetPatterns = { echo: 'echo', slow: 'slow', burn: 'burn', whoami: 'whoami' };
/** The promise is 0.8; processors that others use as well take their share of the honest client's turns. */
export const LEAST_GOODPUT = Number(process.env['ATTACK_LEAST_GOODPUT'] ?? 0.7);

export interface AttackReport extends Measurement {
  readonly verdict: Verdict;
  readonly ratio: number;
  /** Of the first attack. */
  readonly outcome: AttackOutcome;
  /** Bytes when the process had just begun to listen. */
  readonly rest: number;
  /** Bytes after some seconds of honest requests, right before the attack. */
  readonly warm: number;
  /** Bytes above those at the start at the peak. */
  readonly over: number;
}

export type RunOptions = Partial<Pick<MeasurementOptions, 'milliseconds' | 'load' | 'attackTarget' | 'socketType'>>;

/** Attacks the process beside an honest client, and puts the figures on the console. */
export async function runAttack(
  attacked: AttackedProcess,
  attack: string | readonly string[],
  options: RunOptions = {},
): Promise<AttackReport> {
  const attacks = typeof attack === 'string' ? [attack] : attack;
  const measurement = await measure({
    milliseconds: DEFAULT_MS,
    target: attacked.target,
    attacks,
    patterns: PATTERNS,
    pid: attacked.pid,
    stopAtBytes: STOP_AT_BYTES,
    program: PROGRAM,
    rest: attacked.atStart,
    ...options,
  });
  const verdict = judge(measurement, { budget: attacked.budget, leastGoodput: LEAST_GOODPUT });
  if (measurement.memory === undefined) {
    throw new Error('The memory of the process could not be read.');
  }
  const { rest, warm, peak } = measurement.memory;
  const report = {
    ...measurement,
    verdict,
    rest,
    warm,
    ratio: goodputRatio(measurement),
    outcome: measurement.outcomes[0] as AttackOutcome,
    over: peak - rest,
  };
  tell(attacks.join('+'), attacked, report);
  return report;
}

function tell(name: string, attacked: AttackedProcess, { outcomes, ...report }: AttackReport): void {
  const { attacked: honest, baseline, outcome, rest, warm, over, ratio, verdict } = report;
  const violations: Record<string, number> = {};
  for (const { id, kind, action, count } of attacked.violations) {
    const key = `${id} ${kind} ${action}`;
    violations[key] = (violations[key] ?? 0) + count;
  }
  const figures = {
    name,
    program: attacked.program,
    held: verdict.held,
    budgetMb: Math.round(attacked.budget / MEBI),
    restMb: Math.round(rest / MEBI),
    warmMb: Math.round(warm / MEBI),
    overMb: Math.round(over / MEBI),
    ratio: Number(ratio.toFixed(2)),
    heldAfterMs: outcome.heldAfterMs === null ? null : Math.round(outcome.heldAfterMs),
    reasons: verdict.reasons,
    violations,
  };
  console.log(JSON.stringify(figures));
  mkdirSync('temp', { recursive: true });
  appendFileSync(FIGURES, `${JSON.stringify({ ...figures, baseline, honest, outcomes })}\n`);
}
