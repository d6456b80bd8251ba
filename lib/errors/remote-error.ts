import { ZmqException } from './zmq.exception.js';

/** Fields of an exception that a peer must not set, beside those that every exception has. */
const RESERVED = new Set(['cause', 'details']);
const MAX_FIELDS = 64;

/**
 * The exception for an error that came over the wire: `code`, `message` and `details`, and whatever other fields the
 * remote `RpcException`'s object had, such as `status`.
 */
export function fromErrorObject(object: unknown): ZmqException {
  const fields: Record<string, unknown> = typeof object === 'object' && object !== null ? { ...object } : {};
  const { code, message, details } = fields;
  const exception = new ZmqException(
    typeof code === 'string' ? code : 'INTERNAL',
    typeof message === 'string' ? message : 'The server answered with an error that has no message.',
    { details },
  );
  const rest = Object.entries(fields).filter(([name]) => !(name in exception) && !RESERVED.has(name));
  return Object.assign(exception, Object.fromEntries(rest.slice(0, MAX_FIELDS)));
}
