import type { Clock } from '../../limits/clock.js';

/** So long without a gain, an attacker counts as held. */
const HELD_AFTER_MS = 250;

/** Tells from when on an attacker gained nothing any more. Its clock must tick on while the attacker is busy. */
export class ProgressWatch {
  private readonly startedAt: number;
  private lastAt: number;
  private quietTicks = 0;
  private gained = false;
  private held: { readonly afterMs: number; readonly evicted: boolean } | undefined;

  constructor(private readonly clock: Clock) {
    this.startedAt = clock.now();
    this.lastAt = this.startedAt;
  }

  get verdict(): { readonly afterMs: number | null; readonly evicted: boolean } {
    return this.held ?? { afterMs: null, evicted: false };
  }

  progress(): void {
    this.lastAt = this.clock.now();
    this.gained = true;
    this.quietTicks = 0;
  }

  /** Its last connection was closed by the target. */
  evicted(): void {
    this.held ??= { afterMs: this.clock.now() - this.startedAt, evicted: true };
  }

  /**
   * To be called every {@link TICK_MS}. Ticks are counted besides, as an attacker that had no turn on a busy machine
   * was not held by the target.
   */
  tick(): void {
    this.quietTicks += 1;
    const isQuiet = this.clock.now() - this.lastAt >= HELD_AFTER_MS && this.quietTicks >= HELD_AFTER_MS / TICK_MS;
    if (isQuiet) {
      this.held ??= { afterMs: this.gained ? this.lastAt - this.startedAt : 0, evicted: false };
    }
  }
}

export const TICK_MS = 50;
