import { Controller, UseInterceptors, ValidationPipe, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { IsInt } from 'class-validator';
import { ServerZmq } from 'nestjs-zeromq';
import { EMPTY, concatMap, defaultIfEmpty, firstValueFrom, lastValueFrom, of, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectClient, engineOfServer, onCleanup, startApp, until } from '../support/zmq-app.js';

let handled: unknown[] = [];

beforeEach(() => {
  handled = [];
});

@Controller()
class NamesController {
  @MessagePattern('true')
  named(): string {
    return 'a handler named true';
  }

  @MessagePattern('1.0')
  version(): string {
    return 'a handler named 1.0';
  }

  @MessagePattern('null')
  nothing(): string {
    return 'a handler named null';
  }

  @MessagePattern('{"cmd":"text"}')
  json(): string {
    return 'a handler named like an object';
  }

  @MessagePattern('__proto__')
  proto(): string {
    return 'a handler named __proto__';
  }

  @MessagePattern('ünïcödé ✓')
  unicode(): string {
    return 'a handler named in Unicode';
  }

  @MessagePattern(7)
  numeric(): string {
    return 'a handler numbered 7';
  }
}

class NumberDto {
  @IsInt()
  value!: number;
}

const delayed = {
  intercept: (_context: unknown, next: { handle: () => Observable<unknown> }) =>
    of(undefined).pipe(concatMap(() => next.handle())),
};
const swallowing = { intercept: () => EMPTY };

@Controller()
class EdgeController {
  @MessagePattern('validated')
  @UseInterceptors(delayed)
  validated(
    @Payload(new ValidationPipe({ exceptionFactory: errors => new RpcException(errors) })) { value }: NumberDto,
  ): number {
    return value;
  }

  @MessagePattern('swallowed')
  @UseInterceptors(swallowing)
  swallowed(): string {
    handled.push('swallowed');
    return 'never seen';
  }

  @EventPattern('delayed event')
  @UseInterceptors(delayed)
  event(@Payload() data: unknown): void {
    handled.push(data);
  }

  @MessagePattern('a request')
  request(@Payload() data: unknown): unknown {
    handled.push(data);
    return data;
  }

  @MessagePattern('a stream')
  async *stream(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    handled.push('stream ended');
  }
}

@Controller()
class TwinController {
  @MessagePattern('twin')
  first(): string {
    return 'first';
  }

  @MessagePattern('twin')
  second(): string {
    return 'second';
  }
}

@Controller()
class ListenersController {
  @EventPattern('heard')
  first(@Payload() _data: unknown): void {
    handled.push('first');
  }

  @EventPattern('heard')
  second(@Payload() _data: unknown): Promise<void> {
    handled.push('second');
    return Promise.resolve();
  }
}

@Controller()
class FailingListener {
  @EventPattern('heard')
  third(@Payload() _data: unknown): void {
    handled.push('third');
    throw new Error('the third fails');
  }
}

describe('handlers of ServerZmq', () => {
  it.each([
    ['true', 'a handler named true'],
    ['1.0', 'a handler named 1.0'],
    ['null', 'a handler named null'],
    ['{"cmd":"text"}', 'a handler named like an object'],
    [{ cmd: 'text' }, 'a handler named like an object'],
    ['__proto__', 'a handler named __proto__'],
    ['ünïcödé ✓', 'a handler named in Unicode'],
    [7, 'a handler numbered 7'],
    ['7', 'a handler numbered 7'],
  ])('are found under %j', async (pattern, answer) => {
    const { endpoint } = await startApp([NamesController]);
    const client = await connectClient(endpoint);

    expect(await firstValueFrom(client.send(pattern, {}))).toBe(answer);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '1', ' true'])('are not found under %j', async pattern => {
    const { server, endpoint } = await startApp([NamesController]);
    const client = await connectClient(endpoint);

    await expect(firstValueFrom(client.send(pattern, {}))).rejects.toMatchObject({
      code: 'NO_HANDLER',
      message: 'There is no matching message handler defined in the remote service.',
      details: { pattern },
      retryable: false,
    });
    expect(server.getStats()).toMatchObject({ unhandled: 1, requests: 0 });
  });

  it('count events without a handler and go on', async () => {
    const { server, endpoint } = await startApp([EdgeController]);
    const client = await connectClient(endpoint);
    await lastValueFrom(client.emit('nobody listens', 1));
    await until(() => server.getStats().unhandled === 1);

    expect(await firstValueFrom(client.send('a request', 2))).toBe(2);
  });

  it('warn once at the start when a message pattern has more than one, and the last one is used', async () => {
    const warnings: string[] = [];
    const quiet = () => undefined;
    const logger: LoggerService = {
      log: quiet,
      error: quiet,
      warn: (message: unknown) => warnings.push(String(message)),
    };
    const server = new ServerZmq({ bind: 'tcp://127.0.0.1:*', ...engineOfServer() });
    class TwinModule {}
    Reflect.defineMetadata('controllers', [TwinController, ListenersController], TwinModule);
    const app = await NestFactory.createMicroservice(TwinModule, { strategy: server, logger });
    onCleanup(() => app.close());
    await app.listen();
    const client = await connectClient(server.endpoints[0] as string);

    const ofTwins = warnings.filter(warning => warning.includes('twin'));
    expect(ofTwins).toEqual(["There is more than one handler for the message pattern 'twin'; the last one is used."]);
    expect(await firstValueFrom(client.send('twin', {}))).toBe('second');
  });

  it('all hear an event, even if one of them fails', async () => {
    const { server, endpoint } = await startApp([FailingListener, ListenersController]);
    const client = await connectClient(endpoint);
    await lastValueFrom(client.emit('heard', 1));
    await until(() => handled.length === 3 && server.getStats().running === 0);

    expect(handled).toEqual(['third', 'first', 'second']);
  });

  it('run for an event under an interceptor whose Observable is cold', async () => {
    const { server, endpoint } = await startApp([EdgeController]);
    const client = await connectClient(endpoint);
    await lastValueFrom(client.emit('delayed event', 'data'));
    await until(() => handled.length > 0 && server.getStats().running === 0);

    expect(handled).toEqual(['data']);
  });

  it('of requests run for events too, and a stream among them to its end', async () => {
    const { server, endpoint } = await startApp([EdgeController]);
    const client = await connectClient(endpoint);
    await lastValueFrom(client.emit('a request', 'as event'));
    await lastValueFrom(client.emit('a stream', {}));
    await until(() => handled.length === 2 && server.getStats().running === 0);

    expect(handled).toEqual(['as event', 'stream ended']);
    expect(server.getStats()).toMatchObject({ events: 2, requests: 0 });
  });

  it('complete without a value where an interceptor leaves none', async () => {
    const { endpoint } = await startApp([EdgeController]);
    const client = await connectClient(endpoint);

    expect(await firstValueFrom(client.send('swallowed', {}).pipe(defaultIfEmpty('nothing')))).toBe('nothing');
    expect(handled).toEqual([]);
  });

  it('take a validation pipe whose exception holds the list of errors, which arrives as details', async () => {
    const { endpoint } = await startApp([EdgeController]);
    const client = await connectClient(endpoint);

    expect(await firstValueFrom(client.send('validated', { value: 1 }))).toBe(1);
    await expect(firstValueFrom(client.send('validated', { value: 'x' }))).rejects.toMatchObject({
      code: 'INTERNAL',
      details: [{ property: 'value', constraints: { isInt: 'value must be an integer number' } }],
    });
  });
});
