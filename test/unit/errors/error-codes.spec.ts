import { describe, expect, it } from 'vitest';
import { isRetryableCode, ZMQ_ERROR_CODES } from '../../../lib/errors/error-codes.js';

describe('Error codes', () => {
  it('are these, and frozen', () => {
    expect(ZMQ_ERROR_CODES.toSorted().join(' ')).toBe(
      'BACKPRESSURE BIND_FAILED CANCELLED DEADLINE_EXCEEDED DISCONNECTED FORBIDDEN INTERNAL INVALID_OPTIONS MALFORMED ' +
        'NO_HANDLER OVERLOADED PAYLOAD_TOO_LARGE RATE_LIMITED RESPONSE_TOO_LARGE UNAUTHENTICATED VALIDATION_FAILED',
    );
    expect(Object.isFrozen(ZMQ_ERROR_CODES)).toBe(true);
  });

  it('are retryable where waiting or another server can help', () => {
    expect(ZMQ_ERROR_CODES.filter(isRetryableCode).toSorted()).toEqual([
      'BACKPRESSURE',
      'DISCONNECTED',
      'OVERLOADED',
      'RATE_LIMITED',
    ]);
  });

  it.each(['', 'UNKNOWN', '__proto__', 'constructor', 'toString', 'overloaded'])('takes %j for not retryable', code => {
    expect(isRetryableCode(code)).toBe(false);
  });
});
