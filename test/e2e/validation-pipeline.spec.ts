import {
  Catch,
  Controller,
  Injectable,
  StandardSchemaValidationPipe,
  UseFilters,
  UsePipes,
  type ArgumentMetadata,
  type ArgumentsHost,
  type PipeTransform,
  type RpcExceptionFilter,
} from '@nestjs/common';
import { BaseRpcExceptionFilter, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { ZmqException } from 'nestjs-zeromq';
import { throwError, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { ZmqSchemaValidationPipe } from '../../lib/pipeline/zmq-schema-validation.pipe.js';
import { ZmqValidationPipe } from '../../lib/pipeline/zmq-validation.pipe.js';
import {
  call,
  clientOf,
  OrderDto,
  OrdersController,
  pathsOf,
  refusalOf,
  seen,
  type Setup,
} from '../support/validation-app.js';

beforeEach(() => {
  seen.length = 0;
});

@Catch(ZmqException)
class ZmqExceptionFilter implements RpcExceptionFilter<ZmqException> {
  catch(exception: ZmqException): Observable<never> {
    return throwError(() => exception);
  }
}

@Catch(RpcException)
class RpcErrorFilter implements RpcExceptionFilter<RpcException> {
  catch(exception: RpcException): Observable<never> {
    return throwError(() => ({ ...(exception.getError() as object), service: 'orders' }));
  }
}

@Catch()
class EverythingFilter extends BaseRpcExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): Observable<unknown> {
    // oxlint-disable-next-line promise/valid-params -- it is no promise's
    return super.catch(exception as RpcException, host);
  }
}

@Catch()
class RethrowingFilter implements RpcExceptionFilter<unknown> {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}

describe('the refusal reaches the caller', () => {
  @Controller()
  @UseFilters(ZmqExceptionFilter)
  class FilteredController {
    @MessagePattern('order')
    order(@Payload() _order: OrderDto): void {}
  }

  const EXPECTED = { code: 'VALIDATION_FAILED', details: { fields: [{ path: 'name' }], omitted: 0 } };

  it.each<[filter: string, setup: Setup]>([
    ['no filter at all', {}],
    ['a filter of a controller for ZmqException', { controllers: [FilteredController] }],
    ['a filter for RpcException', { configure: app => app.useGlobalFilters(new RpcErrorFilter()) }],
    [
      'a filter for everything that asks Nest’s own',
      { configure: app => app.useGlobalFilters(new EverythingFilter()) },
    ],
    [
      'a filter for everything that throws it again',
      { configure: app => app.useGlobalFilters(new RethrowingFilter()) },
    ],
  ])('through %s', async (_filter, setup) => {
    expect(await refusalOf(await clientOf(setup), 'order', { name: 1 })).toMatchObject(EXPECTED);
  });

  it('with what a filter has added', async () => {
    const client = await clientOf({ configure: app => app.useGlobalFilters(new RpcErrorFilter()) });
    expect(await refusalOf(client, 'order', { name: 1 })).toMatchObject({ ...EXPECTED, service: 'orders' });
  });
});

@Injectable()
class UnwrapPipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    return type === 'body' ? (value as { readonly wrapped?: unknown }).wrapped : value;
  }
}

@Injectable()
class NamePipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    return type === 'body' && value instanceof OrderDto ? Object.assign(value, { name: `${value.name}!` }) : value;
  }
}

describe('pipes of the application', () => {
  it('run before and after it', async () => {
    const client = await clientOf({ pipes: [new UnwrapPipe(), new ZmqValidationPipe(), new NamePipe()] });
    expect(await call(client, 'order', { wrapped: { name: 'aa' } })).toMatchObject({ isOrder: true });
    expect(seen).toEqual([{ name: 'aa!' }]);
    expect(pathsOf(await refusalOf(client, 'order', { wrapped: { name: 1 } }))).toEqual(['name']);
  });

  it('may be it, made by Nest', async () => {
    @Controller()
    @UsePipes(ZmqValidationPipe, ZmqSchemaValidationPipe)
    class InjectedController extends OrdersController {
      @MessagePattern('order')
      override order(@Payload() order: OrderDto): unknown {
        return super.order(order);
      }
    }
    const client = await clientOf({ pipes: [], controllers: [InjectedController] });
    expect(await call(client, 'order', { name: 'aa' })).toMatchObject({ isOrder: true });
    expect(pathsOf(await refusalOf(client, 'order', { name: 1 }))).toEqual(['name']);
  });
});

describe('parameters with a schema', () => {
  it('are checked by ZmqSchemaValidationPipe, with errors of the same form', async () => {
    const client = await clientOf({ pipes: [new ZmqValidationPipe(), new ZmqSchemaValidationPipe()] });
    expect(await call(client, 'schema', { n: 1 })).toEqual({ n: 1, checked: true });
    expect(await refusalOf(client, 'schema', { n: -1 })).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'The data is not valid: n (must be positive).',
      details: { fields: [{ path: 'n', rules: ['schema'], messages: ['must be positive'] }], omitted: 0 },
    });
    expect(await refusalOf(client, 'schema', { n: 1, text: 'x'.repeat(20_000) })).toMatchObject({
      details: { fields: [{ path: 'text', rules: ['maxStringLength'] }] },
    });
    expect(pathsOf(await refusalOf(client, 'order', { name: 1 }))).toEqual(['name']);
  });

  it('are bounded by ZmqSchemaValidationPipe alone, too', async () => {
    const client = await clientOf({ pipes: [new ZmqSchemaValidationPipe({ maxStringLength: 5 })] });
    expect(await refusalOf(client, 'schema', { n: 1, text: 'longer' })).toMatchObject({
      details: { fields: [{ path: 'text', rules: ['maxStringLength'] }] },
    });
    expect(await call(client, 'any', 'longer')).toBe('longer');
  });

  it('are checked by Nest’s own pipe beside ZmqValidationPipe', async () => {
    const exceptionFactory = () => new RpcException({ code: 'MINE', message: 'no' });
    const client = await clientOf({
      pipes: [new ZmqValidationPipe(), new StandardSchemaValidationPipe({ exceptionFactory })],
    });
    expect(await call(client, 'schema', { n: 1 })).toEqual({ n: 1, checked: true });
    expect((await refusalOf(client, 'schema', { n: 0 })).code).toBe('MINE');
    expect(pathsOf(await refusalOf(client, 'order', { name: 1 }))).toEqual(['name']);
  });
});
