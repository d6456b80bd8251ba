import { Controller, Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { MaxMessageSize, OnZmqViolation, ServerZmq, ZmqLimits, ZmqModule, type ZmqViolation } from 'nestjs-zeromq';
import { beforeEach, expect, it } from 'vitest';
import { ask, rejectionOf } from '../../support/rejection.js';
import { connectClient, engineOfServer, onCleanup, startApp, until } from '../../support/zmq-app.js';

let heard: string[] = [];

@Controller()
class SmallController {
  // Decided by a function, so that clients are not told and send what is too large.
  @MessagePattern('small')
  @MaxMessageSize(10, { onViolation: () => 'reject' })
  small(): number {
    return 1;
  }
}

@Injectable()
class Watcher {
  @OnZmqViolation('handler-size')
  violated({ kind }: ZmqViolation): void {
    heard.push(kind);
  }
}

beforeEach(() => {
  heard = [];
});

const tooLarge = async (endpoint: string): Promise<void> => {
  const client = await connectClient(endpoint);
  expect(await rejectionOf(ask(client, 'small', 'x'.repeat(20)))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
};

it('tells a violation to all listeners, whatever one of them does', async () => {
  const { server, endpoint } = await startApp([SmallController], {
    imports: [ZmqModule.forRoot()],
    providers: [Watcher],
  });
  server.on('violation', () => {
    throw new Error('careless');
  });
  server.on('violation', () => void heard.push('last'));
  await tooLarge(endpoint);
  await until(() => heard.length === 2);
  expect(heard).toEqual(['handler-size', 'last']);
});

it('tells violations of a hybrid application from the start of its server on', async () => {
  @Module({ controllers: [SmallController], providers: [Watcher], imports: [ZmqModule.forRoot()] })
  class HybridModule {}

  const app: INestApplication = await NestFactory.create(HybridModule, { logger: false });
  onCleanup(() => app.close());
  const server = new ServerZmq({ bind: 'tcp://127.0.0.1:*', ...engineOfServer() });
  app.connectMicroservice({ strategy: server });
  await app.startAllMicroservices();
  await tooLarge(server.endpoints[0] as string);
  await until(() => heard.length > 0);
  expect(heard).toEqual(['handler-size']);
});

it('takes the limits in force for changes, so that they can be put back', async () => {
  const { app, server } = await startApp([SmallController], {
    imports: [ZmqModule.forRoot({ limits: { rateLimit: { points: 5, bytes: '1kb', name: 'all' } } })],
  });
  const limits = app.get(ZmqLimits);
  const { handlers, defaults } = limits.inForce;
  limits.change({ handlers: { small: { maxMessageSize: 5, rateLimit: { points: 1 } } } });
  expect(server.limits.handlers['small']).toMatchObject({ maxMessageSize: 5 });
  limits.change({ handlers, defaults });
  expect(limits.inForce.handlers).toEqual(handlers);
});
