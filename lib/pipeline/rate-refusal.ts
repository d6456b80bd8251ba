import type { ZmqErrorObject } from '../errors/zmq.exception.js';

/** The refusal of a sender who has to wait for so many milliseconds. */
export function tooFast(retryAfterMs: number): ZmqErrorObject {
  return {
    code: 'RATE_LIMITED',
    message: `Too many requests: there is room for more in ${retryAfterMs} ms.`,
    details: { retryAfterMs },
  };
}
