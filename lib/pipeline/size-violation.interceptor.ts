import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';

/**
 * Asked when a payload is larger than its handler takes, which `ZmqContext.violation` tells; for all else it is not there.
 * `next.handle()` is the refusal that the caller gets by itself, and no handler. Extend it, and hand your class to
 * `ZmqModule`, to look at violations, to answer something else, or to set `violation.action`:
 *
 * ```ts
 * @Injectable()
 * export class CuriousInterceptor extends SizeViolationInterceptor {
 *   override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
 *     const { violation } = context.switchToRpc().getContext<ZmqContext>();
 *     // …
 *     return super.intercept(context, next);
 *   }
 * }
 * ```
 */
@Injectable()
export class SizeViolationInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    return next.handle();
  }
}
