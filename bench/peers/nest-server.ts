import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { EventPattern, GrpcMethod, MessagePattern, Payload } from '@nestjs/microservices';
import { map, type Observable, range } from 'rxjs';
import type { EventCounter } from './event-counter.js';
import { PATTERNS } from './patterns.js';

/** Starts the one controller that all Nest peers share on the given transport. */
export async function serveNest(options: MicroserviceOptions, received: EventCounter): Promise<void> {
  @Controller()
  class BenchController {
    @MessagePattern(PATTERNS.echo)
    echo(@Payload() data: unknown): unknown {
      return data;
    }

    @GrpcMethod('Bench', 'Echo')
    echoText(data: object): object {
      return data;
    }

    @GrpcMethod('Bench', 'EchoBytes')
    echoBytes(data: object): object {
      return data;
    }

    @EventPattern(PATTERNS.event)
    event(_data: unknown): void {
      received.add();
    }

    @MessagePattern(PATTERNS.stream)
    stream(@Payload() values: number): Observable<number> {
      return range(0, values);
    }

    @GrpcMethod('Bench', 'Numbers')
    numbers({ values }: { values: number }): Observable<{ value: number }> {
      return range(0, values).pipe(map(value => ({ value })));
    }
  }

  @Module({ controllers: [BenchController] })
  class BenchModule {}

  const app = await NestFactory.createMicroservice<MicroserviceOptions>(BenchModule, { ...options, logger: false });
  await app.listen();
}
