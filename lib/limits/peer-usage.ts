const HALF_LIFE_MS = 200;
const FIRST_GUESS_MS = 0.02;
const LEAST_COST_MS = 0.002;
const MOST_COST_MS = 1_000;
/** What the newest packets count of the expectation. */
const NEWEST_PART = 0.3;

/** What the requests of one network address cost of processor and places, so that others get theirs. */
export class PeerUsage {
  /** Handlers running. */
  running = 0;
  /** Milliseconds of processor that one packet is expected to cost. */
  cost = FIRST_GUESS_MS;
  private busy = 0;
  private at = 0;

  /** Recent milliseconds of processing; they count half after a fifth of a second. */
  busyAt(now: number): number {
    return this.busy === 0 ? 0 : this.busy * 0.5 ** ((now - this.at) / HALF_LIFE_MS);
  }

  /** Its bytes were worked off for so long. */
  worked(ms: number, now: number): void {
    this.busy = this.busyAt(now) + ms;
    this.at = now;
  }

  /** So many packets took so many milliseconds. */
  spent(packets: number, ms: number, now: number): void {
    const cost = this.cost + NEWEST_PART * (ms / packets - this.cost);
    this.cost = Math.min(MOST_COST_MS, Math.max(LEAST_COST_MS, cost));
    this.busy = this.busyAt(now) + ms;
    this.at = now;
  }
}
