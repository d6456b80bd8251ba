import { randomBytes } from 'node:crypto';
import { setImmediate as nextTick } from 'node:timers/promises';
import type { Observable } from 'rxjs';
import { sharedNow } from '../clock.js';
import { errorText } from '../error-text.js';
import type {
  BenchClient,
  EventLoad,
  EventResult,
  RequestLoad,
  RequestResult,
  StreamLoad,
  StreamResult,
} from './loads.js';
import { GRACE_MS } from './loads.js';
import { RequestTally } from './request-tally.js';

const EVENT_BATCH = 256;

/** What a Nest client offers, in the words of this bench. */
export interface ObservableCalls {
  echo(payload: string | Buffer): Observable<unknown>;
  emit(payload: string): Observable<unknown>;
  stream(values: number): Observable<unknown>;
  /** Payload bytes of an answer, so that an empty or mangled one is not counted. */
  sizeOf(answer: unknown): number;
}

export function payloadOf({ payload, bytes }: Pick<RequestLoad, 'payload' | 'bytes'>): string | Buffer {
  // Random, because a Buffer of zeros would be far shorter as JSON than real binary data.
  return payload === 'text' ? 'x'.repeat(bytes) : randomBytes(bytes);
}

/** Drives any Nest client by `subscribe`, the same code for each of them. */
export class ObservableClient implements BenchClient {
  constructor(private readonly calls: ObservableCalls) {}

  requests(load: RequestLoad): Promise<RequestResult> {
    const { calls } = this;
    const payload = payloadOf(load);
    const tally = new RequestTally(load);
    let open = 0;
    return new Promise(resolve => {
      const giveUp = setTimeout(() => resolve(tally.result(false)), load.warmMs + load.measureMs + GRACE_MS);
      const next = (now: number): void => {
        if (tally.isOver(now, open)) {
          if (open > 0) return;
          clearTimeout(giveUp);
          return resolve(tally.result(true));
        }
        open++;
        let size = -1;
        calls.echo(payload).subscribe({
          next: answer => {
            size = calls.sizeOf(answer);
          },
          error: (error: unknown) => {
            open--;
            tally.fail(error);
            setImmediate(() => next(performance.now()));
          },
          complete: () => {
            open--;
            next(tally.settle(now, size));
          },
        });
      };
      for (let i = 0; i < load.inFlight; i++) next(performance.now());
    });
  }

  async events({ bytes, measureMs, count = Infinity }: EventLoad): Promise<EventResult> {
    const payload = 'x'.repeat(bytes);
    const startedAt = sharedNow();
    const failures: unknown[] = [];
    let sent = 0;
    const emitBatch = (size: number): Promise<void> =>
      new Promise(resolve => {
        let open = size;
        const settle = (): void => {
          if (--open === 0) resolve();
        };
        for (let i = 0; i < size; i++) {
          this.calls.emit(payload).subscribe({
            error: (error: unknown) => {
              failures.push(error);
              settle();
            },
            complete: () => {
              sent++;
              settle();
            },
          });
        }
      });
    while (sharedNow() - startedAt < measureMs && sent < count && failures.length < 1_000) {
      await emitBatch(Math.min(EVENT_BATCH, count - sent));
      // A client may settle an event without any I/O; its socket must still get its turn.
      await nextTick();
    }
    const [first] = failures;
    return {
      sent,
      startedAt,
      errors: failures.length,
      ...(first !== undefined && { firstError: errorText(first) }),
    };
  }

  stream({ values, measureMs }: StreamLoad): Promise<StreamResult> {
    const startedAt = performance.now();
    let received = 0;
    return new Promise(resolve => {
      const finish = (completed: boolean, error?: unknown): void => {
        clearTimeout(timer);
        resolve({
          received,
          completed,
          elapsedMs: performance.now() - startedAt,
          ...(error !== undefined && { firstError: errorText(error) }),
        });
      };
      const subscription = this.calls.stream(values).subscribe({
        next: () => received++,
        error: (error: unknown) => finish(false, error),
        complete: () => finish(true),
      });
      const timer = setTimeout(() => {
        finish(false);
        subscription.unsubscribe();
      }, measureMs);
    });
  }
}
