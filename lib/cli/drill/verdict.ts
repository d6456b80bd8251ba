import { formatBytes } from '../../options/bytes.js';
import type { Measurement } from './measurement.js';

/** What a process may need beside its budget: garbage not yet collected, buffers of the system. */
const SLACK_BYTES = 32 * 1024 ** 2;
const LEAST_GOODPUT = 0.8;

export interface VerdictRules {
  /** Bytes that the target may hold for its peers. */
  readonly budget: number;
  /** Honest goodput beside the attack as a share of that without. @defaultValue 0.8 */
  readonly leastGoodput?: number;
}

export interface Verdict {
  readonly held: boolean;
  /** Whether the target's memory was part of it. */
  readonly memoryJudged: boolean;
  /** Why it did not hold; empty if it did. */
  readonly reasons: readonly string[];
}

/** Whether a target held: its memory within budget, and its honest clients served as before. */
export function judge(measurement: Measurement, { budget, leastGoodput = LEAST_GOODPUT }: VerdictRules): Verdict {
  const { memory, attacked, outcomes, answersAfter, stopped } = measurement;
  const reasons: string[] = [];
  const over = memory === undefined ? 0 : memory.peak - memory.rest;
  if (over > budget + SLACK_BYTES) {
    reasons.push(`memory grew by ${formatBytes(over)}, more than the budget of ${formatBytes(budget)} allows`);
  }
  if (stopped) {
    reasons.push('the attack was stopped before the machine ran out of memory');
  }
  const share = goodputRatio(measurement);
  if (!(share >= leastGoodput)) {
    reasons.push(`honest goodput fell to ${share.toFixed(2)} of what it was, below ${leastGoodput}`);
  }
  for (const what of ['wrong', 'lost', 'evictions'] as const) {
    if (attacked[what] > 0) {
      reasons.push(`${attacked[what]} ${HARM[what]}`);
    }
  }
  for (const { breaches } of outcomes) {
    reasons.push(...Object.entries(breaches).map(([what, count]) => `${what} (${count} times)`));
  }
  if (!answersAfter) {
    reasons.push('the target does not answer any more');
  }
  return { held: reasons.length === 0, memoryJudged: memory !== undefined, reasons };
}

export function goodputRatio({ baseline, attacked }: Pick<Measurement, 'baseline' | 'attacked'>): number {
  return baseline.goodput > 0 ? attacked.goodput / baseline.goodput : 0;
}

const HARM = {
  wrong: 'honest requests got a wrong answer',
  lost: 'honest requests were never answered',
  evictions: 'honest connections were closed',
} as const;
