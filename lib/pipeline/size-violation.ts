/**
 * What becomes of a payload that is too large: the caller gets `PAYLOAD_TOO_LARGE` (an event is dropped and counted), nobody
 * hears of it (the caller's deadline passes), or the sender's connection is closed.
 */
export type ZmqSizeViolationAction = 'reject' | 'discard' | 'disconnect';

export const SIZE_VIOLATION_ACTIONS = ['reject', 'discard', 'disconnect'] as const;

/** A payload that is larger than its handler takes. It has not been decoded, and the handler does not run. */
export interface ZmqSizeViolation {
  readonly pattern: string;
  /** Bytes that the handler takes. */
  readonly limit: number;
  /** Bytes of the payload. */
  readonly actual: number;
  /** What will be done about it; an interceptor may change that. */
  action: ZmqSizeViolationAction;
}
