import { describe } from './bytes.js';
import { integer, invalid, milliseconds, resolveFields, type Field, type Resolved } from './fields.js';

/** How a request is sent again that the server has refused before any handler ran, or that found no room in the client. */
export interface ZmqRetryOptions {
  /** How often it is sent again, 1 to 100. @defaultValue 3 */
  readonly attempts?: number;
  /**
   * Milliseconds before the first new attempt where the refusal names no time (`details.retryAfterMs`); it doubles from
   * there, with jitter, 1 to 60,000. @defaultValue 100
   */
  readonly minDelay?: number;
  /** Most milliseconds between two attempts, 1 to 3,600,000; a refusal that names a longer time is final. @defaultValue 5000 */
  readonly maxDelay?: number;
}

/** Most times that one request may be sent again. */
export const MAX_RETRY_ATTEMPTS = 100;

const RETRY_FIELDS = {
  attempts: integer({ min: 1, max: MAX_RETRY_ATTEMPTS, fallback: 3 }),
  minDelay: milliseconds({ min: 1, max: 60_000, fallback: 100 }),
  maxDelay: milliseconds({ min: 1, max: 3_600_000, fallback: 5_000 }),
};

export type RetryPolicy = Resolved<typeof RETRY_FIELDS>;

/** What holds for a request that asks for attempts where its client has no policy. */
export const DEFAULT_RETRY: RetryPolicy = resolveFields({}, RETRY_FIELDS, 'retry');

/** `undefined` stands for off. */
export const retryOptions: Field<RetryPolicy | undefined> = (value = false, option) => {
  if (value === false) {
    return undefined;
  }
  if (typeof value === 'number') {
    return Object.freeze({ ...DEFAULT_RETRY, attempts: RETRY_FIELDS.attempts(value, option) });
  }
  if (typeof value !== 'object') {
    throw invalid(
      `${option} must be false, a number of attempts or { attempts, minDelay, maxDelay }, but is ${describe(value)}.`,
    );
  }
  return resolveFields(value, RETRY_FIELDS, option);
};
