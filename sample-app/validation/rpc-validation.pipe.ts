import { Injectable, ValidationPipe } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import type { ValidationError } from 'class-validator';

const MAX_REPORTED_FIELDS = 10;
const MAX_FIELD_LENGTH = 64;

/** Which rules each wrong field breaks, e.g. `{ metric: ['metric must be one of …'] }`. */
type FieldErrors = Record<string, string[]>;

/**
 * Nest's `ValidationPipe` for message handlers: refuses fields that the DTO does not declare, and answers with the code
 * `VALIDATION_FAILED` and the wrong fields as details.
 */
@Injectable()
export class RpcValidationPipe extends ValidationPipe {
  constructor() {
    super({ transform: true, whitelist: true, forbidNonWhitelisted: true, exceptionFactory: toRpcException });
  }
}

function toRpcException(errors: ValidationError[]): RpcException {
  const details = fieldErrors(errors);
  const message = `Invalid: ${Object.keys(details).join(', ')}`;
  return new RpcException({ code: 'VALIDATION_FAILED', message, details });
}

/** Bounded, because the sender chooses how many unknown fields there are, and their names. */
function fieldErrors(errors: ValidationError[]): FieldErrors {
  const reported = errors.slice(0, MAX_REPORTED_FIELDS);
  return Object.fromEntries(
    reported.map(({ property, constraints = {} }) => [
      property.slice(0, MAX_FIELD_LENGTH),
      Object.values(constraints).map(rule => rule.slice(0, 2 * MAX_FIELD_LENGTH)),
    ]),
  );
}
