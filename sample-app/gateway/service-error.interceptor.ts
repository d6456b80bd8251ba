import {
  type CallHandler,
  type ExecutionContext,
  HttpException,
  HttpStatus,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { ZmqException, type ZmqFieldError } from 'nestjs-zeromq';
import type { ServerResponse } from 'node:http';
import { catchError, type Observable, throwError } from 'rxjs';

const STATUS_BY_CODE: ReadonlyMap<string, HttpStatus> = new Map([
  ['VALIDATION_FAILED', HttpStatus.BAD_REQUEST],
  ['MALFORMED', HttpStatus.BAD_REQUEST],
  ['FORBIDDEN', HttpStatus.FORBIDDEN],
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
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<ServerResponse>();
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (!(error instanceof ZmqException)) {
          return throwError(() => error);
        }
        tellWhenToRetry(response, error);
        return throwError(() => toHttpException(error));
      }),
    );
  }
}

/** A service that refuses for a time says for how long; HTTP counts in whole seconds. */
function tellWhenToRetry(response: ServerResponse, { details }: ZmqException): void {
  const { retryAfterMs } = (details ?? {}) as { readonly retryAfterMs?: unknown };
  if (typeof retryAfterMs === 'number' && !response.headersSent) {
    response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1_000));
  }
}

function toHttpException(error: ZmqException): HttpException {
  const { code, message } = error;
  const details = code === 'VALIDATION_FAILED' ? messagesByField(error) : error.details;
  const statusCode = STATUS_BY_CODE.get(code) ?? HttpStatus.INTERNAL_SERVER_ERROR;
  return new HttpException({ statusCode, code, message, details }, statusCode, { cause: error });
}

/** What is wrong with each field, e.g. `{ metric: ['metric must be one of …'] }`, which is all that a web page wants to know. */
function messagesByField({ details }: ZmqException): Record<string, readonly string[]> | undefined {
  const { fields } = (details ?? {}) as { readonly fields?: readonly ZmqFieldError[] };
  return fields && Object.fromEntries(fields.map(({ path, messages }) => [path, messages]));
}
