/** libzmq does not tell which peer has gone; at most this often all that wait for something are asked. */
export const PROBE_MS = 100;
/** For a moment after the event libzmq still takes messages for the one who has gone. */
const PROBES = 2;

/** Has peers asked for a sign of life, twice, after somebody has gone. */
export class Probes {
  private timer: NodeJS.Timeout | undefined;
  private last = 0;
  private due = 0;

  constructor(private readonly probe: () => void) {}

  /** Somebody has gone: whoever has something under way is sent a sign of life, which fails if it was them. */
  soon(): void {
    this.due = PROBES;
    this.timer ??= this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private schedule(): NodeJS.Timeout {
    const wait = Math.max(0, this.last + PROBE_MS - performance.now());
    const timer = setTimeout(() => {
      this.last = performance.now();
      this.probe();
      this.timer = --this.due > 0 ? this.schedule() : undefined;
    }, wait);
    return timer.unref();
  }
}
