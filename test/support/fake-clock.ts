import type { Clock } from '../../lib/limits/clock.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock whose hands the test turns. */
export class FakeClock implements Clock {
  private readonly timers = new Set<Timer>();

  constructor(private time = 1_000) {}

  /** Timers that have not run and were not cancelled. */
  get pending(): number {
    return this.timers.size;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Lets time pass; each timer runs at its own time. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (let next = this.nextUntil(end); next !== undefined; next = this.nextUntil(end)) {
      this.time = Math.max(this.time, next.at);
      this.run(next);
    }
    this.time = end;
  }

  /** Lets time pass while the process is held up: what is due by then runs late, once it goes on. */
  holdUp(ms: number): void {
    this.time += ms;
    for (const timer of [...this.timers].filter(({ at }) => at <= this.time).toSorted((a, b) => a.at - b.at)) {
      if (this.timers.has(timer)) {
        this.run(timer);
      }
    }
  }

  private run(timer: Timer): void {
    this.timers.delete(timer);
    timer.callback();
  }

  private nextUntil(end: number): Timer | undefined {
    return [...this.timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }
}
