import type { ZmqException } from '../errors/zmq.exception.js';
import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import type { RetryPolicy } from '../options/retry-options.js';
import type { ClientRequest } from './client-request.js';
import { retryDelay } from './retry-policy.js';

export interface RetriesFields {
  /** Holds the waits, all behind its one timer. */
  readonly wheel: DeadlineWheel;
  readonly send: (request: ClientRequest) => void;
  /** A request waits to be sent for the `attempt`th time after the first, in `delay` ms. */
  readonly onRetry: (request: ClientRequest, retry: { attempt: number; delay: number; refusal: ZmqException }) => void;
  /** From 0 to 1. */
  readonly random?: () => number;
}

class RetryWait extends Expiring {
  constructor(private readonly onDue: () => void) {
    super();
  }

  override expire(): void {
    this.onDue();
  }
}

/**
 * The requests of one client that were refused and wait to be sent again. Each is one of the pending requests of the
 * client, whose number is limited.
 */
export class Retries {
  private readonly waits = new Map<ClientRequest, RetryWait>();
  private readonly random: () => number;

  constructor(private readonly fields: RetriesFields) {
    this.random = fields.random ?? Math.random;
  }

  get size(): number {
    return this.waits.size;
  }

  /** Has a request wait that may be sent again; `false` if it has no attempt or no time left for that. */
  add(request: ClientRequest, policy: RetryPolicy, refusal: ZmqException): boolean {
    const delay = retryDelay(policy, { refusal, attempts: request.attempts, random: this.random });
    if (delay === undefined || delay >= request.timeLeft) {
      return false;
    }
    const attempt = request.awaitRetry(refusal);
    const wait = new RetryWait(() => this.due(request, refusal));
    this.waits.set(request, wait);
    this.fields.wheel.add(wait, delay);
    // Last, since who listens may end the request, or all of them.
    this.fields.onRetry(request, { attempt, delay, refusal });
    return true;
  }

  /** The request has settled while it waited. */
  forget(request: ClientRequest): void {
    const wait = this.waits.get(request);
    if (wait !== undefined) {
      this.waits.delete(request);
      this.fields.wheel.remove(wait);
    }
  }

  /** Fails all that wait by now. */
  failAll(reason: ZmqException): void {
    // Who is told may send something new, which may have to wait in its turn.
    const requests = [...this.waits.keys()];
    for (const request of requests) {
      request.fail(reason);
    }
  }

  private due(request: ClientRequest, refusal: ZmqException): void {
    this.waits.delete(request);
    // A process that was held up wakes too late.
    if (request.timeLeft <= 0) {
      request.fail(refusal);
    } else {
      request.endRetryWait();
      this.fields.send(request);
    }
  }
}
