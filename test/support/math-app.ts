import 'reflect-metadata';
import {
  Catch,
  Controller,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type RpcExceptionFilter,
} from '@nestjs/common';
import {
  CONTEXT,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type BaseRpcContext,
  type RequestContext,
} from '@nestjs/microservices';
import { IsInt, IsString, Length } from 'class-validator';
import { catchError, concat, from, map, of, tap, throwError, type Observable } from 'rxjs';

/** What the handlers of the applications have done, for tests to look at. */
@Injectable()
export class Journal {
  readonly entries: unknown[] = [];

  add(entry: unknown): void {
    this.entries.push(entry);
  }
}

/** The context of Nest's own transports, as far as they have something in common. */
export interface AnyContext extends BaseRpcContext {
  getPattern(): string;
  getMetadata(): unknown;
}

export class PersonDto {
  @IsString()
  @Length(1, 20)
  name!: string;

  @IsInt()
  age!: number;

  greeting(): string {
    return `${this.name}, ${this.age}`;
  }
}

/** The examples of the chapter "Microservices: Basics" of Nest's documentation. */
@Controller()
export class MathController {
  constructor(private readonly journal: Journal) {}

  @MessagePattern({ cmd: 'sum' })
  sum(data: number[]): number {
    return (data ?? []).reduce((a, b) => a + b, 0);
  }

  @MessagePattern({ cmd: 'sum', mode: 'async' })
  async accumulate(@Payload() data: number[]): Promise<number> {
    return this.sum(data);
  }

  @MessagePattern({ cmd: 'each' })
  each(@Payload() data: number[]): Observable<number> {
    return from(data);
  }

  @MessagePattern('each, promised')
  async eachPromised(@Payload() data: number[]): Promise<Observable<number>> {
    return from(data);
  }

  @MessagePattern('each, then fail')
  eachThenFail(@Payload() data: number[]): Observable<number> {
    return concat(
      from(data),
      throwError(() => new RpcException('no more')),
    );
  }

  @MessagePattern('fail at once')
  failAtOnce(): Observable<never> {
    return throwError(() => new RpcException({ status: 'error', message: 'nothing at all', reason: 7 }));
  }

  @MessagePattern('first name')
  firstName(@Payload('name') name: string): string {
    return name;
  }

  @MessagePattern('context')
  context(@Payload() data: unknown, @Ctx() context: AnyContext): unknown {
    return { data, pattern: context.getPattern(), metadata: context.getMetadata() ?? 'none' };
  }

  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('void')
  nothing(): void {
    this.journal.add('void');
  }

  @MessagePattern('just null')
  nothingButNull(): null {
    return null;
  }

  @MessagePattern('gaps')
  gaps(): Observable<unknown> {
    return of(1, undefined, null, 0, '', false, 2);
  }

  @MessagePattern('empty')
  empty(): Observable<never> {
    return from([]);
  }

  @MessagePattern(42)
  numeric(): string {
    return 'forty-two';
  }

  @MessagePattern({ b: 2, a: { d: 'x', c: true } })
  nested(): string {
    return 'nested';
  }

  @MessagePattern(['one', { cmd: 'two' }])
  several(@Ctx() context: AnyContext): string {
    return context.getPattern();
  }

  @EventPattern<string>('user_created')
  async userCreated(@Payload() data: unknown, @Ctx() context: AnyContext): Promise<void> {
    this.journal.add([context.getPattern(), data]);
  }

  @EventPattern('heard twice')
  heardOnce(@Payload() data: unknown): void {
    this.journal.add(['first', data]);
  }

  @EventPattern('failing event')
  failing(@Payload() data: unknown): void {
    this.journal.add(['failing', data]);
    throw new Error('an event handler failed');
  }

  @EventPattern('event as stream')
  eventAsStream(@Payload() data: number[]): Observable<number> {
    return from(data).pipe(tap(value => this.journal.add(value)));
  }
}

@Controller()
export class SecondListener {
  constructor(private readonly journal: Journal) {}

  @EventPattern('heard twice')
  heardAgain(@Payload() data: unknown): void {
    this.journal.add(['second', data]);
  }
}

@Injectable()
class RoleGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const data = context.switchToRpc().getData<{ role?: string }>();
    return context.getType() === 'rpc' && data.role === 'admin';
  }
}

@Injectable()
class JournalInterceptor implements NestInterceptor {
  constructor(private readonly journal: Journal) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { name } = context.getHandler();
    this.journal.add(`before ${name}`);
    return next.handle().pipe(tap({ complete: () => this.journal.add(`after ${name}`) }));
  }
}

@Injectable()
class WrapInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Injectable()
class TranslateInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError(() => throwError(() => new RpcException('translated'))));
  }
}

/** The filter of the documentation. */
@Catch(RpcException)
class PlainFilter implements RpcExceptionFilter<RpcException> {
  catch(exception: RpcException, _host: ArgumentsHost): Observable<never> {
    return throwError(() => exception.getError());
  }
}

/** A filter that answers in place of the handler. */
@Catch(RangeError)
class FallbackFilter implements RpcExceptionFilter<RangeError> {
  catch(exception: RangeError, host: ArgumentsHost): Observable<unknown> {
    return of({ instead: exception.message, data: host.switchToRpc().getData<unknown>() });
  }
}

@Controller()
export class PipelineController {
  constructor(private readonly journal: Journal) {}

  @MessagePattern('validated')
  @UsePipes(
    new ValidationPipe({
      transform: true,
      exceptionFactory: errors =>
        new RpcException({ status: 422, message: errors.map(({ property }) => property).join() }),
    }),
  )
  validated(@Payload() person: PersonDto): string {
    return person.greeting();
  }

  @MessagePattern('validated, all errors')
  @UsePipes(new ValidationPipe({ exceptionFactory: errors => new RpcException(errors) }))
  validatedByArray(@Payload() person: PersonDto): string {
    return person.name;
  }

  @MessagePattern('validated as in HTTP')
  @UsePipes(new ValidationPipe())
  validatedAsInHttp(@Payload() person: PersonDto): string {
    return person.name;
  }

  @MessagePattern('guarded')
  @UseGuards(RoleGuard)
  guarded(): string {
    this.journal.add('guarded ran');
    return 'welcome';
  }

  @MessagePattern('intercepted')
  @UseInterceptors(JournalInterceptor, WrapInterceptor)
  intercepted(@Payload() data: unknown): unknown {
    this.journal.add('handled');
    return data;
  }

  @MessagePattern('intercepted stream')
  @UseInterceptors(JournalInterceptor, WrapInterceptor)
  interceptedStream(@Payload() data: number[]): Observable<number> {
    return from(data);
  }

  @EventPattern('intercepted event')
  @UseInterceptors(JournalInterceptor)
  interceptedEvent(@Payload() data: unknown): void {
    this.journal.add(data);
  }

  @EventPattern('guarded event')
  @UseGuards(RoleGuard)
  guardedEvent(@Payload() data: unknown): void {
    this.journal.add(data);
  }

  @MessagePattern('translated error')
  @UseInterceptors(TranslateInterceptor)
  translatedError(): never {
    throw new Error('not for the caller');
  }

  @MessagePattern('string error')
  stringError(): never {
    throw new RpcException('Invalid credentials.');
  }

  @MessagePattern('object error')
  objectError(): never {
    throw new RpcException({ status: 404, message: 'no such thing', id: 'x-1' });
  }

  @MessagePattern('unexpected error')
  unexpectedError(): never {
    throw new Error('a secret of the server');
  }

  @MessagePattern('rejection')
  async rejection(): Promise<never> {
    throw new RpcException('rejected');
  }

  @MessagePattern('filtered')
  @UseFilters(PlainFilter)
  filtered(): never {
    throw new RpcException('through the filter');
  }

  @MessagePattern('filtered object')
  @UseFilters(new PlainFilter())
  filteredObject(): never {
    throw new RpcException({ status: 'busy', message: 'come back', after: 30 });
  }

  @MessagePattern('filtered stream')
  @UseFilters(PlainFilter)
  filteredStream(): Observable<unknown> {
    return concat(
      of(1),
      throwError(() => new RpcException('after one')),
    );
  }

  @MessagePattern('answered by a filter')
  @UseFilters(FallbackFilter)
  answeredByFilter(): never {
    throw new RangeError('out of range');
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestNotes {
  readonly pattern: string;
  private count = 0;

  constructor(@Inject(CONTEXT) private readonly request: RequestContext<unknown, AnyContext>) {
    this.pattern = request.getPattern() as string;
  }

  describe(): unknown {
    this.count++;
    return { count: this.count, data: this.request.getData(), context: this.request.getContext().getPattern() };
  }
}

@Controller({ scope: Scope.REQUEST })
export class ScopedController {
  constructor(
    private readonly notes: RequestNotes,
    private readonly journal: Journal,
  ) {}

  @MessagePattern('scoped')
  scoped(): unknown {
    return this.notes.describe();
  }

  @MessagePattern('scoped stream')
  scopedStream(@Payload() data: number[]): Observable<unknown> {
    return from(data).pipe(map(value => [value, this.notes.describe()]));
  }

  @MessagePattern('scoped error')
  scopedError(): never {
    throw new RpcException('out of scope');
  }

  @EventPattern('scoped event')
  scopedEvent(@Payload() _data: unknown): void {
    this.journal.add(this.notes.describe());
  }
}

export const MATH_CONTROLLERS = [MathController, SecondListener, PipelineController, ScopedController];
export const MATH_PROVIDERS = [Journal, RequestNotes, RoleGuard, JournalInterceptor, WrapInterceptor];
