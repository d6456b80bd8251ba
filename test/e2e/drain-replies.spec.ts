import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { connectClient, createGate, startApp, type Gate } from '../support/zmq-app.js';

const ROUNDS = 25;

it('delivers the replies that a draining server sent just before it closed the connection', async () => {
  let begun: Gate = createGate();

  @Controller()
  class SlowController {
    @MessagePattern('slow')
    async slow(value: number): Promise<number> {
      begun.open();
      await new Promise(resolve => setTimeout(resolve, 10));
      return value;
    }
  }

  for (let round = 0; round < ROUNDS; round++) {
    begun = createGate();
    const { app, endpoint } = await startApp([SlowController]);
    const client = await connectClient(endpoint);
    const answer = lastValueFrom(client.send<number>('slow', round));
    await begun.opened;
    await app.close();
    expect(await answer).toBe(round);
    await client.close();
  }
}, 30_000);
