import type { AttackOutcome } from '../../../lib/cli/drill/attack.js';
import type { PhaseFigures } from '../../../lib/cli/drill/honest-phase.js';
import type { Measurement } from '../../../lib/cli/drill/measurement.js';

const MEBI = 1024 ** 2;

export function phase(fields: Partial<PhaseFigures> = {}): PhaseFigures {
  const counts = { answered: 1_000, wrong: 0, refused: 0, lost: 0, evictions: 0 };
  return { milliseconds: 2_000, ...counts, goodput: 500, p50: 1, p99: 5, ...fields };
}

export function outcome(fields: Partial<AttackOutcome> = {}): AttackOutcome {
  const connections = { opened: 8, joined: 8, failed: 0, closedByTarget: 8, openAtEnd: 0 };
  const bytes = { bytesSent: 1_000, bytesReceived: 1_000 };
  return { heldAfterMs: 120, evicted: true, ...connections, ...bytes, breaches: {}, ...fields };
}

/** Of a target that held. */
export function measurement(fields: Partial<Measurement> = {}): Measurement {
  return {
    memory: { rest: 50 * MEBI, warm: 50 * MEBI, peak: 60 * MEBI },
    baseline: phase(),
    attacked: phase(),
    outcomes: [outcome()],
    answersAfter: true,
    stopped: false,
    ...fields,
  };
}
