import { HttpStatus } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import type { FieldErrors } from './field-errors.js';

/**
 * A pipe for the whole application also sees what comes by HTTP. Nest answers there with the status of any error that has
 * these fields, as those of the package `http-errors` do.
 */
const HTTP_ERROR = { expose: true, status: HttpStatus.BAD_REQUEST, statusCode: HttpStatus.BAD_REQUEST };

/**
 * The exception that tells the caller `VALIDATION_FAILED`. An `RpcException`, since Nest's own filter hands on nothing
 * else: a `ZmqException` would need a filter of the application, and become `INTERNAL` without. Filters for
 * `RpcException` and for everything see it too, and whatever they do with one they do with this.
 */
export function validationFailure(errors: FieldErrors, disclose = true): RpcException {
  const exception = disclose
    ? new ZmqException('VALIDATION_FAILED', summaryOf(errors), { details: errors })
    : new ZmqException('VALIDATION_FAILED', 'The data is not valid.');
  // As a plain object, which a filter may copy without losing the message.
  return Object.assign(new RpcException(exception.toJSON()), HTTP_ERROR);
}

function summaryOf({ fields, omitted }: FieldErrors): string {
  const [first] = fields;
  if (first === undefined) {
    return 'The data is not valid.';
  }
  const reason = first.messages[0] ?? first.rules.join(', ');
  const others = fields.length - 1 + omitted;
  const more = others === 0 ? '' : `, and ${others} more`;
  return first.path === ''
    ? `The data is not valid: ${reason}${more}.`
    : `The data is not valid: ${first.path} (${reason})${more}.`;
}
