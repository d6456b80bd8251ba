import { isRetryableCode, type ZmqErrorCode } from './error-codes.js';

/** What an error looks like on the wire and in `ZmqException.toJSON()`. Further fields of an `RpcException`'s object are kept. */
export interface ZmqErrorObject {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
  readonly [field: string]: unknown;
}

export interface ZmqExceptionOptions {
  /** Machine-readable facts about the failure, e.g. `{ limit: 1048576, actual: 2000000 }`. Crosses the wire. */
  readonly details?: unknown;
  /** The error that led to this one. Never crosses the wire. */
  readonly cause?: unknown;
  /** Whether sending again may help. @defaultValue by code */
  readonly retryable?: boolean;
}

/**
 * The one error class of this library. `code` is stable and meant for programs, `message` for people.
 *
 * Thrown by options and start-up code, and emitted to callers of `ClientZmq.send()`. Thrown in a Nest handler it becomes
 * `INTERNAL`, as Nest lets only `RpcException`s through, unless an exception filter hands it on: its code, message and
 * details then reach the caller as they are.
 */
export class ZmqException extends Error {
  override readonly name: string = 'ZmqException';
  /** One of {@link ZmqErrorCode}, or the code that the remote handler's `RpcException` carried. */
  readonly code: string;
  readonly details?: unknown;
  readonly retryable: boolean;

  constructor(code: ZmqErrorCode | (string & {}), message: string, options: ZmqExceptionOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.details !== undefined) {
      this.details = options.details;
    }
    this.retryable = options.retryable ?? isRetryableCode(code);
  }

  toJSON(): ZmqErrorObject {
    const { code, message, details } = this;
    return details === undefined ? { code, message } : { code, message, details };
  }
}
