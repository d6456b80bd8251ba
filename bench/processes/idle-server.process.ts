import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ServerZmq } from 'nestjs-zeromq';
import { setTimeout as delay } from 'node:timers/promises';

@Controller()
class EchoController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {}

const MANY = 100_000;
/** Time for what has been closed to be gone. */
const SETTLE_MS = 1_500;

const strategy = new ServerZmq({
  bind: 'tcp://127.0.0.1:*',
  memoryBudget: '2gb',
  gate: { maxConnections: MANY, maxConnectionsPerAddress: MANY, maxHalfOpenPerAddress: MANY, acceptRate: MANY },
});
const app = await NestFactory.createMicroservice(EchoModule, { strategy, logger: ['error'] });
await app.listen();
process.send?.({ port: Number(/:(\d+)$/.exec(strategy.endpoints[0] ?? '')?.[1]) });
process.on('message', () => {
  void delay(SETTLE_MS).then(() => {
    // What is measured is what connections hold, not what has been garbage since they opened.
    globalThis.gc?.();
    process.send?.({ rss: process.memoryUsage.rss() });
  });
});
process.on('disconnect', () => process.exit(0));
