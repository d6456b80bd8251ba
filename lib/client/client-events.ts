import type { ZmqException } from '../errors/zmq.exception.js';

/** Events of `ClientZmq.on()`, as a type alias because Nest asks for an index signature. */
// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no implicit index signature
export type ZmqClientEvents = {
  /** A session with the server at this endpoint has begun. */
  connect: (endpoint: string) => void;
  /** The session with this endpoint has ended, and why. */
  disconnect: (endpoint: string, reason: string) => void;
  /** The endpoint will be tried again in so many milliseconds. */
  reconnecting: (endpoint: string, delay: number) => void;
  /** The server at this endpoint drains: new requests go elsewhere. */
  draining: (endpoint: string) => void;
  /** An event given to `emit()` was not sent. */
  eventFailed: (pattern: string, error: ZmqException) => void;
  /** A request was refused with this code and will be sent again in so many milliseconds; `attempt` counts from 1. */
  retry: (pattern: string, attempt: number, delayMs: number, code: string) => void;
};
