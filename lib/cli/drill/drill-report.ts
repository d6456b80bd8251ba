import { formatBytes } from '../../options/bytes.js';
import type { Attack } from './attack.js';
import type { Measurement } from './measurement.js';
import { goodputRatio, type Verdict } from './verdict.js';

export interface DrillResult {
  readonly attack: Pick<Attack, 'id' | 'title' | 'exhausts'>;
  readonly measurement: Measurement;
  readonly verdict: Verdict;
}

const NOTHING = '–';
const WIDTHS = [10, 11, 9, 15, 27];
const HEADINGS = ['attack', 'peak memory', 'goodput', 'held after', 'verdict', 'what'];

/** The head of the table that {@link reportRow} goes on with. */
export function reportHead(): string {
  return line(HEADINGS);
}

/** A row as soon as its attack is over, with the reasons below it if the target did not hold. */
export function reportRow({ attack, measurement, verdict }: DrillResult): string {
  const { memory } = measurement;
  const cells = [
    attack.id,
    memory === undefined ? NOTHING : `+${formatBytes(Math.max(0, memory.peak - memory.rest))}`,
    goodputRatio(measurement).toFixed(2),
    heldAfter(measurement),
    `${verdict.held ? 'held' : 'FAILED'}${verdict.memoryJudged ? '' : ', memory unknown'}`,
    attack.title,
  ];
  return [line(cells), ...verdict.reasons.map(reason => `           ${reason}`)].join('\n');
}

export function reportEnd(results: readonly DrillResult[]): string {
  const failed = results.filter(({ verdict }) => !verdict.held).length;
  const unknown = results.some(({ verdict }) => !verdict.memoryJudged);
  const summary = failed === 0 ? `All ${results.length} held.` : `${failed} of ${results.length} did not hold.`;
  return unknown ? `${summary} Memory was not measured: name the target's process with --pid.` : summary;
}

/** Everything that was measured, for programs. */
export function reportJson(results: readonly DrillResult[]): string {
  const rows = results.map(({ attack, measurement, verdict }) => ({
    id: attack.id,
    title: attack.title,
    exhausts: attack.exhausts,
    ...verdict,
    goodputRatio: goodputRatio(measurement),
    ...measurement,
    memory: measurement.memory ?? null,
  }));
  return JSON.stringify({ held: results.every(({ verdict }) => verdict.held), attacks: rows }, undefined, 2);
}

function heldAfter({ outcomes }: Measurement): string {
  const [outcome] = outcomes;
  if (outcome === undefined || outcome.heldAfterMs === null) {
    return NOTHING;
  }
  return `${Math.round(outcome.heldAfterMs)} ms${outcome.evicted ? ', closed' : ''}`;
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join('  ')
    .trimEnd();
}
