import 'reflect-metadata';
import { Controller, Module, UseGuards, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Type } from 'class-transformer';
import { IsInt } from 'class-validator';
import { RateLimit, RateLimitGuard, ServerZmq, ZmqModule } from 'nestjs-zeromq';
import { expect, it } from 'vitest';
import { ask, rejectionOf } from '../../support/rejection.js';
import { connectClient, engineOfServer, onCleanup } from '../../support/zmq-app.js';

const EVENTS = 200;

class AmountDto {
  @IsInt()
  @Type(() => Number)
  amount!: number;
}

@Controller()
class EventsController {
  @EventPattern('amount')
  amount(@Payload() _amount: AmountDto): void {}

  @EventPattern('guarded')
  @UseGuards(RateLimitGuard)
  @RateLimit({ points: 1, duration: 60_000 })
  guarded(@Payload() _data: unknown): void {}

  @EventPattern('broken')
  broken(@Payload() _data: unknown): void {
    throw new Error('a fault of the handler');
  }

  @MessagePattern('amount of')
  amountOf(@Payload() { amount }: AmountDto): number {
    return amount;
  }

  @MessagePattern('done')
  done(): boolean {
    return true;
  }
}

async function start() {
  @Module({ controllers: [EventsController], imports: [ZmqModule.forRoot()] })
  class LogModule {}

  const lines: string[] = [];
  const write = (...parts: unknown[]) => void lines.push(parts.map(String).join(' '));
  const logger: LoggerService = { log: () => undefined, error: write, warn: write };
  const server = new ServerZmq({ bind: 'tcp://127.0.0.1:*', ...engineOfServer() });
  const app = await NestFactory.createMicroservice(LogModule, { strategy: server, logger });
  onCleanup(() => app.close());
  await app.listen();
  return { lines, client: await connectClient(server.endpoints[0] as string) };
}

it.each<[what: string, pattern: string, data: unknown]>([
  ['is not valid', 'amount', { amount: 'x' }],
  ['cannot be converted', 'amount', { amount: { valueOf: 1, toString: 2 } }],
  ['is refused by a guard', 'guarded', 1],
])('logs a sample of events whose data %s', async (_what, pattern, data) => {
  const { client, lines } = await start();
  for (let i = 0; i < EVENTS; i++) {
    client.emit(pattern, data);
  }
  await ask(client, 'done');
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(5);
});

it('still logs what is wrong with a handler itself', async () => {
  const { client, lines } = await start();
  client.emit('broken', 1);
  await ask(client, 'done');
  expect(lines.join('\n')).toContain('a fault of the handler');
});

it('refuses data that cannot be converted, as data that is not valid', async () => {
  const { client, lines } = await start();
  const refusal = await rejectionOf(ask(client, 'amount of', { amount: { valueOf: 1, toString: 2 } }));
  expect(refusal).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ rules: ['isConvertible'] }] } });
  expect(lines).toEqual([]);
});
