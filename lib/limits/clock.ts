/** Time as the rules of this library see it, so that tests can turn the hands. */
export interface Clock {
  /** Milliseconds from a fixed, monotonic origin. */
  now(): number;
  /** Runs `callback` once after `ms`; the returned function cancels it. Never keeps the process alive by itself. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
