import 'reflect-metadata';
import { Controller, Injectable, Module, UseGuards } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Transport } from '@nestjs/microservices';
import { beforeAll, describe, expect, it } from 'vitest';
import { HandlerExplorer } from '../../../lib/module/handler-explorer.js';
import { OnZmqViolation, VIOLATION_LISTENER } from '../../../lib/module/on-zmq-violation.decorator.js';
import { ZMQ_TRANSPORT } from '../../../lib/options/tokens.js';
import { MaxMessageSize } from '../../../lib/pipeline/max-message-size.decorator.js';
import { RateLimitGuard } from '../../../lib/pipeline/rate-limit.guard.js';
import { RateLimit } from '../../../lib/pipeline/rate-limit.decorator.js';

class OwnGuard extends RateLimitGuard {}

@Controller()
@MaxMessageSize(10)
class OneController {
  @MessagePattern({ cmd: 'sum' })
  sum(): void {}

  @MessagePattern(['a', 'b'])
  several(): void {}

  @EventPattern<string>('heard')
  @UseGuards(RateLimitGuard)
  heard(): void {}

  @MessagePattern('zmq', ZMQ_TRANSPORT)
  @UseGuards(OwnGuard)
  zmq(): void {}

  @MessagePattern('tcp', Transport.TCP)
  tcp(): void {}

  @UseGuards(new RateLimitGuard())
  @MessagePattern('instance')
  instance(): void {}

  get failing(): never {
    throw new Error('A getter was called.');
  }

  helper(): void {}
}

@Controller()
@UseGuards(RateLimitGuard)
class TwoController {
  @EventPattern<string>('heard')
  heard(): void {}
}

@Injectable()
class Listener {
  readonly heard: unknown[] = [];

  @OnZmqViolation('handler-size')
  onViolation(violation: unknown): void {
    this.heard.push(violation);
  }

  @RateLimit({ points: 1 })
  misplaced(): void {}

  get failing(): never {
    throw new Error('A getter was called.');
  }
}

@Module({
  imports: [DiscoveryModule],
  controllers: [OneController, TwoController],
  providers: [
    HandlerExplorer,
    Listener,
    { provide: 'VALUE', useValue: null },
    { provide: 'FACTORY', useFactory: () => undefined },
  ],
})
class AppModule {}

describe('HandlerExplorer', () => {
  let explorer: HandlerExplorer;
  let listener: Listener;

  beforeAll(async () => {
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    explorer = app.get(HandlerExplorer);
    listener = app.get(Listener);
    return () => app.close();
  });

  it('finds the handlers of this transport by route', () => {
    const routes = new Set(['{"cmd":"sum"}', 'a', 'b', 'heard', 'zmq', 'instance']);
    expect(new Set(explorer.handlers().keys())).toEqual(routes);
    expect(
      explorer
        .handlers()
        .get('heard')
        ?.map(({ type, name, rules }) => [type.name, name, rules]),
    ).toEqual([
      ['OneController', 'heard', { maxMessageSize: 10 }],
      ['TwoController', 'heard', {}],
    ]);
  });

  it('sees guards of methods and classes, as classes, heirs and objects', () => {
    const guarded = [...explorer.handlers()].map(([route, handlers]) => [route, handlers.map(one => one.isGuarded)]);
    expect(Object.fromEntries(guarded)).toEqual({
      '{"cmd":"sum"}': [false],
      a: [false],
      b: [false],
      heard: [true, true],
      zmq: [true],
      instance: [true],
    });
  });

  it('names what bears a limit and is no handler', () => {
    expect(explorer.misplaced()).toEqual(['Listener.misplaced()']);
  });

  it('finds methods that listen, and calls them on their objects', () => {
    const [found, ...others] = explorer.listeners(VIOLATION_LISTENER);
    expect([found?.metadata, others]).toEqual([['handler-size'], []]);
    found?.call('violation');
    expect(listener.heard).toEqual(['violation']);
  });
});
