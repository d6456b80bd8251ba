import 'reflect-metadata';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IsInt } from 'class-validator';
import { ZmqModule } from 'nestjs-zeromq';
import { expect, it } from 'vitest';
import { onCleanup } from '../support/zmq-app.js';

class AmountDto {
  @IsInt()
  amount!: number;
}

@Controller('amounts')
class AmountsController {
  @Post()
  take(@Body() { amount }: AmountDto): number {
    return amount;
  }
}

@Module({ controllers: [AmountsController], imports: [ZmqModule.forRoot()] })
class HttpModule {}

it('lets an HTTP route of a hybrid application answer 400 to data that is not valid', async () => {
  const app = await NestFactory.create(HttpModule, { logger: false });
  onCleanup(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const post = (body: unknown) =>
    fetch(`http://127.0.0.1:${port}/amounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await post({ amount: 1 })).status).toBe(201);
  const answer = await post({ amount: 'x' });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ statusCode: 400, message: expect.stringContaining('amount') });
});
