/**
 * Every code that this library puts on an error, the same in exceptions, in JSON mode, in counters and in the docs.
 * The value tells whether the same request may succeed when it is sent again later or to another server.
 */
const RETRYABLE_BY_CODE = {
  PAYLOAD_TOO_LARGE: false,
  RESPONSE_TOO_LARGE: false,
  RATE_LIMITED: true,
  VALIDATION_FAILED: false,
  NO_HANDLER: false,
  UNAUTHENTICATED: false,
  FORBIDDEN: false,
  OVERLOADED: true,
  DEADLINE_EXCEEDED: false,
  CANCELLED: false,
  DISCONNECTED: true,
  BACKPRESSURE: true,
  MALFORMED: false,
  BIND_FAILED: false,
  INVALID_OPTIONS: false,
  INTERNAL: false,
} as const;

/** A stable error code; see `docs/errors.md` for what each means and what to do about it. */
export type ZmqErrorCode = keyof typeof RETRYABLE_BY_CODE;

/** All error codes of this library, in the order of the docs. */
export const ZMQ_ERROR_CODES = Object.freeze(Object.keys(RETRYABLE_BY_CODE)) as readonly ZmqErrorCode[];

/** Whether an error of this code may vanish by itself, so that sending again can help. Unknown codes are not retryable. */
export function isRetryableCode(code: string): boolean {
  return Object.hasOwn(RETRYABLE_BY_CODE, code) && RETRYABLE_BY_CODE[code as ZmqErrorCode];
}
