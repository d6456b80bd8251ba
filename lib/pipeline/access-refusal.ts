import type { ZmqErrorObject } from '../errors/zmq.exception.js';

/** The refusal of whoever may not call a handler: the same whatever the reason, so that it tells nothing about the rules. */
export const NOT_ALLOWED: ZmqErrorObject = Object.freeze({ code: 'FORBIDDEN', message: 'Not allowed.' });
