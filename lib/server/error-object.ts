import { RpcException } from '@nestjs/microservices';
import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';

const MAX_MESSAGE_LENGTH = 8_192;
const INTERNAL_MESSAGE = 'Internal server error';

/**
 * What the caller gets to see of a failed handler. An exception that is meant for it (`RpcException`, `ZmqException`, or
 * what an exception filter made of one) crosses as it is; any other error becomes `INTERNAL` without internals.
 */
export function toErrorObject(error: unknown): ZmqErrorObject {
  try {
    return describe(error);
  } catch {
    // A getter of the error's own failed.
    return { code: 'INTERNAL', message: INTERNAL_MESSAGE };
  }
}

function describe(error: unknown): ZmqErrorObject {
  if (error instanceof ZmqException) {
    return fromPlain(error.toJSON(), INTERNAL_MESSAGE);
  }
  if (error instanceof RpcException) {
    return fromPlain(error.getError(), error.message);
  }
  if (error instanceof Error) {
    return { code: 'INTERNAL', message: INTERNAL_MESSAGE };
  }
  return fromPlain(error, INTERNAL_MESSAGE);
}

function fromPlain(error: unknown, fallback: string): ZmqErrorObject {
  if (typeof error === 'string') {
    return { code: 'INTERNAL', message: error.slice(0, MAX_MESSAGE_LENGTH), status: 'error' };
  }
  if (Array.isArray(error)) {
    // An exception factory of a validation pipe may throw its list of errors as it is.
    return { code: 'INTERNAL', message: fallback, details: error };
  }
  if (typeof error !== 'object' || error === null) {
    return { code: 'INTERNAL', message: fallback };
  }
  const { code, message, stack: _stack, ...fields } = error as Record<string, unknown>;
  return {
    ...fields,
    code: typeof code === 'string' || typeof code === 'number' ? String(code) : 'INTERNAL',
    message: typeof message === 'string' ? message.slice(0, MAX_MESSAGE_LENGTH) : fallback,
  };
}
