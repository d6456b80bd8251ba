import { setImmediate } from 'node:timers/promises';

/** Longest time of taking values without giving the event loop a turn. */
const SLICE_MS = 4;
const VALUES_PER_CLOCK_CHECK = 32;

export interface PullObserver {
  /** Whether a value would be taken now; when not, `resume()` is called once it would. */
  ready(): boolean;
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

/** Takes values out of an AsyncIterable only while somebody wants them: the producer is truly held back. */
export class PullSource {
  private readonly iterator: AsyncIterator<unknown> | undefined;
  private observer: PullObserver | undefined;
  private wake: (() => void) | undefined;

  constructor(source: unknown) {
    this.iterator = isAsyncIterable(source) ? source[Symbol.asyncIterator]() : undefined;
  }

  start(observer: PullObserver): void {
    this.observer = observer;
    void this.run().catch((error: unknown) => this.observer?.error(error));
  }

  resume(): void {
    this.wake?.();
    this.wake = undefined;
  }

  /** Stops and lets the producer clean up. Errors of that have nobody left to go to. */
  async close(): Promise<void> {
    this.observer = undefined;
    this.resume();
    try {
      await this.iterator?.return?.();
    } catch {
      // The caller has gone or has its error already.
    }
  }

  private async run(): Promise<void> {
    let sliceEnd = performance.now() + SLICE_MS;
    for (let taken = 1; this.observer !== undefined; taken++) {
      if (!this.observer.ready()) {
        await new Promise<void>(resolve => {
          this.wake = resolve;
        });
        continue;
      }
      const result = await this.iterator?.next();
      if (result === undefined || result.done === true) {
        this.observer?.complete();
        return;
      }
      this.observer?.next(result.value);
      // A producer that never waits for anything would keep the event loop from turning.
      if (taken % VALUES_PER_CLOCK_CHECK === 0 && performance.now() > sliceEnd) {
        await setImmediate();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function'
  );
}
