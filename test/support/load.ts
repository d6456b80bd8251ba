import type { ClientZmq } from 'nestjs-zeromq';

export interface LoadResult {
  readonly responses: number;
  /** How many requests failed with each code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Requests that settled twice, or with another request's answer. */
  readonly wrong: number;
  /** The longest that a request took to settle, in milliseconds. */
  readonly slowest: number;
}

export interface Load {
  readonly requests: number;
  readonly inFlight: number;
  /** Called each time a request settles, with the number settled so far. */
  readonly onSettled?: (settled: number) => void;
}

/** Sends numbered echo requests, so many at a time, and checks that each settles exactly once. */
export function runLoad(client: ClientZmq, { requests, inFlight, onSettled }: Load): Promise<LoadResult> {
  const errors: Record<string, number> = {};
  const settledAs = new Uint8Array(requests);
  let started = 0;
  let settled = 0;
  let responses = 0;
  let wrong = 0;
  let slowest = 0;
  return new Promise(resolve => {
    const next = () => {
      if (started === requests) {
        return;
      }
      const index = started++;
      const from = performance.now();
      let value: unknown;
      const settle = (code?: string) => {
        wrong += settledAs[index] === 0 ? 0 : 1;
        settledAs[index] = 1;
        slowest = Math.max(slowest, performance.now() - from);
        if (code === undefined) {
          responses++;
          wrong += value === index ? 0 : 1;
        } else {
          errors[code] = (errors[code] ?? 0) + 1;
        }
        settled++;
        onSettled?.(settled);
        if (settled === requests) {
          resolve({ responses, errors, wrong, slowest });
        } else {
          // A failure that is known at once must not become an endless recursion.
          setImmediate(next);
        }
      };
      client.send<number>('echo', index).subscribe({
        next: response => {
          value = response;
        },
        error: (error: { code: string }) => settle(error.code),
        complete: () => settle(),
      });
    };
    for (let i = 0; i < inFlight; i++) {
      next();
    }
  });
}
