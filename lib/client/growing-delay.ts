export interface GrowingDelayBounds {
  /** Milliseconds of the first delay. */
  readonly minDelay: number;
  /** Most milliseconds of any. */
  readonly maxDelay: number;
}

/** Milliseconds to wait after so many failures in a row: doubled with each, and shortened by up to half at random. */
export function growingDelay(
  { minDelay, maxDelay }: GrowingDelayBounds,
  failures: number,
  random: () => number,
): number {
  const delay = Math.min(maxDelay, minDelay * 2 ** Math.min(failures, 30));
  // Half fixed and half random, so that those who failed at the same time do not all come back at once.
  return delay / 2 + (random() * delay) / 2;
}
