// A service whose one handler has a rate that is counted in Redis. URL, PREFIX, ENGINE and POINTS come from the environment.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { Redis } from 'ioredis';
import { RateLimit, ServerZmq, ZmqEvents, ZmqModule } from 'nestjs-zeromq';

const { URL, PREFIX, ENGINE, POINTS } = process.env;

class SharedController {
  take(data) {
    return data;
  }
}

const method = Object.getOwnPropertyDescriptor(SharedController.prototype, 'take');
MessagePattern('take')(SharedController.prototype, 'take', method);
RateLimit({ points: Number(POINTS), duration: 600_000, by: context => context.getMetadata().key })(
  SharedController.prototype,
  'take',
  method,
);
Controller()(SharedController);
const redis = new Redis(URL, { retryStrategy: () => 50 });
redis.on('error', () => undefined);
class SharedModule {}
Module({
  controllers: [SharedController],
  imports: [ZmqModule.forRoot({ rateLimits: { store: { redis, keyPrefix: PREFIX, timeout: 200 } } })],
})(SharedModule);

const strategy = new ServerZmq({ bind: 'tcp://127.0.0.1:*', engine: ENGINE });
const app = await NestFactory.createMicroservice(SharedModule, { strategy, logger: false });
app.get(ZmqEvents).rateLimitStore.subscribe(({ isAway }) => process.send({ isAway }));
await app.listen();
process.on('disconnect', () => process.exit(0));
process.send({ endpoint: strategy.endpoints[0] });
