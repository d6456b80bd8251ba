import 'reflect-metadata';
import { Body, Controller, type INestApplication, Injectable, Module, Post, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IsInt } from 'class-validator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

@Injectable()
class Doubler {
  double(value: number): number {
    return value * 2;
  }
}

class NumberDto {
  @IsInt()
  value!: number;
}

@Controller()
class NumberController {
  constructor(private readonly doubler: Doubler) {}

  @Post()
  handle(@Body() body: NumberDto): { result: number } {
    return { result: this.doubler.double(body.value) };
  }
}

@Module({ controllers: [NumberController], providers: [Doubler] })
class NumberModule {}

/** Nest learns constructor and parameter types from metadata that the test runner's compiler has to emit. */
describe('decorator metadata under the test runner', () => {
  let app: INestApplication;

  beforeEach(async () => {
    app = await NestFactory.create(NumberModule, { logger: false });
    app.useGlobalPipes(new ValidationPipe());
    await app.listen(0, '127.0.0.1');
  });

  afterEach(async () => {
    await app.close();
  });

  async function post(value: unknown): Promise<Response> {
    const body = JSON.stringify({ value });
    return fetch(await app.getUrl(), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  }

  it('injects a provider into a constructor by its type', async () => {
    await expect((await post(21)).json()).resolves.toEqual({ result: 42 });
  });

  it('validates a body by the type of its parameter', async () => {
    expect((await post('21')).status).toBe(400);
  });
});
