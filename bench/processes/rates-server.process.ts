import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { RateLimit, ServerZmq, ZmqModule } from 'nestjs-zeromq';

const RATE = 2_000;

@Controller()
class RatesController {
  @MessagePattern('limited')
  @RateLimit({ points: RATE })
  limited(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('free')
  free(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('refused')
  @RateLimit({ points: 1, duration: 86_400_000 })
  refused(@Payload() data: unknown): unknown {
    return data;
  }
}

@Module({ controllers: [RatesController], imports: [ZmqModule.forRoot()] })
class RatesModule {}

// Whoever goes on after refusals is paused by default; `REFUSAL_RATE` lifts that to see what refusals cost by themselves.
const strategy = new ServerZmq({
  bind: 'tcp://127.0.0.1:*',
  gate: { refusalRate: Number(process.env['REFUSAL_RATE'] ?? 1_000) },
});
const app = await NestFactory.createMicroservice(RatesModule, { strategy, logger: ['error'] });
await app.listen();
process.send?.({ port: Number(/:(\d+)$/.exec(strategy.endpoints[0] ?? '')?.[1]) });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1_000, served: strategy.getStats().requests });
});
process.on('disconnect', () => process.exit(0));
