import { systemClock, type Clock } from './clock.js';
import type { ZmqViolationKind } from './violation.js';

const REPORT_INTERVAL_MS = 1_000;

/** Of each kind one report a second says it all. */
export class ViolationReports {
  private readonly reports = new Map<ZmqViolationKind, { nextAt: number; count: number }>();

  constructor(private readonly clock: Clock = systemClock) {}

  /** Another one has come: how many there were since the last report, or 0 if it is too early for the next. */
  countOf(kind: ZmqViolationKind): number {
    const now = this.clock.now();
    const state = this.reports.get(kind) ?? { nextAt: now, count: 0 };
    this.reports.set(kind, state);
    state.count++;
    if (now < state.nextAt) {
      return 0;
    }
    const { count } = state;
    state.nextAt = now + REPORT_INTERVAL_MS;
    state.count = 0;
    return count;
  }
}
