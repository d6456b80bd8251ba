import { ZmqException } from '../errors/zmq.exception.js';
import { DEFAULT_RETRY, type RetryPolicy } from '../options/retry-options.js';
import { growingDelay } from './growing-delay.js';

/** Who refused a request. */
export type RefusedBy = 'server' | 'client';

/**
 * The codes after which no handler has run. The server's own `BACKPRESSURE` comes behind a handler that has run, and after
 * `DISCONNECTED` nobody knows.
 */
const UNTOUCHED: Readonly<Record<RefusedBy, readonly string[]>> = {
  server: ['RATE_LIMITED', 'OVERLOADED'],
  client: ['BACKPRESSURE'],
};

const MAX_RETRY_AFTER_MS = 2 ** 31;

/** Whether the same request may be sent again without being executed twice. */
export function mayBeSentAgain(error: unknown, by: RefusedBy): error is ZmqException {
  return error instanceof ZmqException && UNTOUCHED[by].includes(error.code);
}

/**
 * Milliseconds until a refused request is to be sent again: as many as the refusal asks for, else growing from attempt to
 * attempt. `undefined` if it is not.
 */
export function retryDelay(
  policy: RetryPolicy,
  { refusal, attempts, random }: { refusal: ZmqException; attempts: number; random: () => number },
): number | undefined {
  // As a comparison that fails for whatever is no number.
  if (!(attempts < policy.attempts)) {
    return undefined;
  }
  const wanted = retryAfterOf(refusal.details);
  if (wanted === undefined) {
    return growingDelay(policy, attempts, random);
  }
  return wanted <= policy.maxDelay ? wanted : undefined;
}

/** The policy of one call that has its own number of attempts. */
export function policyOfCall(attempts: number | false, usual: RetryPolicy | undefined): RetryPolicy | undefined {
  return attempts === false ? undefined : { ...(usual ?? DEFAULT_RETRY), attempts };
}

/** `retryAfterMs` of an error's details, which come from the other side and may be anything. */
function retryAfterOf(details: unknown): number | undefined {
  const { retryAfterMs } = (details ?? {}) as { retryAfterMs?: unknown };
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 && retryAfterMs <= MAX_RETRY_AFTER_MS
    ? retryAfterMs
    : undefined;
}
