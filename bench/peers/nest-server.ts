import 'reflect-metadata';
import { applyDecorators, Controller, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { EventPattern, GrpcMethod, MessagePattern, Payload } from '@nestjs/microservices';
import { map, type Observable, range } from 'rxjs';
import type { EventCounter } from './event-counter.js';
import { PATTERNS } from './patterns.js';

export interface NestExtras {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** What stands next to the echo. */
  readonly decorators?: readonly MethodDecorator[];
}

/** Starts the one controller that all Nest peers share on the given transport. */
export async function serveNest(
  options: MicroserviceOptions,
  received: EventCounter,
  { imports = [], decorators = [] }: NestExtras = {},
): Promise<void> {
  @Controller()
  class BenchController {
    @MessagePattern(PATTERNS.echo)
    @applyDecorators(...decorators)
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

  @Module({ controllers: [BenchController], imports })
  class BenchModule {}

  const app = await NestFactory.createMicroservice<MicroserviceOptions>(BenchModule, { ...options, logger: false });
  await app.listen();
}
