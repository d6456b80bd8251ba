import {
  type CallHandler,
  type ExecutionContext,
  HttpException,
  HttpStatus,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { ZmqException } from 'nestjs-zeromq';
import { catchError, type Observable, throwError } from 'rxjs';

const STATUS_BY_CODE: ReadonlyMap<string, HttpStatus> = new Map([
  ['VALIDATION_FAILED', HttpStatus.BAD_REQUEST],
  ['MALFORMED', HttpStatus.BAD_REQUEST],
  ['NOT_FOUND', HttpStatus.NOT_FOUND],
  ['PAYLOAD_TOO_LARGE', HttpStatus.PAYLOAD_TOO_LARGE],
  ['RATE_LIMITED', HttpStatus.TOO_MANY_REQUESTS],
  ['OVERLOADED', HttpStatus.SERVICE_UNAVAILABLE],
  ['BACKPRESSURE', HttpStatus.SERVICE_UNAVAILABLE],
  ['DISCONNECTED', HttpStatus.SERVICE_UNAVAILABLE],
  ['DEADLINE_EXCEEDED', HttpStatus.GATEWAY_TIMEOUT],
]);

/**
 * Answers errors of the service with the HTTP status that fits their code.
 *
 * An interceptor rather than an exception filter, because it also sees errors of an event stream that has begun.
 */
@Injectable()
export class ServiceErrorInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: unknown) => throwError(() => toHttpException(error))));
  }
}

function toHttpException(error: unknown): unknown {
  if (!(error instanceof ZmqException)) {
    return error;
  }
  const { code, message, details } = error;
  const statusCode = STATUS_BY_CODE.get(code) ?? HttpStatus.INTERNAL_SERVER_ERROR;
  return new HttpException({ statusCode, code, message, details }, statusCode, { cause: error });
}
