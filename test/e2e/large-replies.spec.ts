import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { firstValueFrom, interval, lastValueFrom, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { connectClient, createClient, startApp, until } from '../support/zmq-app.js';

const MEGABYTE = 1024 ** 2;

let ticks = 0;

@Controller()
class LargeController {
  @MessagePattern('bytes')
  bytes(size: number): Buffer {
    return Buffer.alloc(size, 1);
  }

  @MessagePattern('given away')
  givenAway(): Uint8Array {
    const bytes = new Uint8Array(32);
    process.nextTick(() => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }));
    return bytes;
  }

  @MessagePattern('echo')
  echo(data: unknown): unknown {
    return data;
  }

  @EventPattern<string>('tick')
  tick(): unknown {
    return interval(5).pipe(tap(() => ticks++));
  }
}

describe('a burst of large answers to a client that reads', () => {
  it.each([
    ['more than the outbox holds', 100, undefined],
    ['with room for one at a time', 8, '1mb' as const],
  ])('arrives whole: %s', async (_what, requests, outboxSize) => {
    const { server, endpoint } = await startApp([LargeController], {
      server: { limits: { ...(outboxSize !== undefined && { outboxSize, streamBuffer: '1kb' }) } },
    });
    const client = await connectClient(endpoint);
    const answers = await Promise.all(
      Array.from({ length: requests }, () => lastValueFrom(client.send<Buffer>('bytes', MEGABYTE))),
    );

    expect(answers.map(({ length }) => length)).toEqual(Array.from({ length: requests }, () => MEGABYTE));
    await until(() => server.getStats().heldBytes === 0);
    expect(server.getStats()).toMatchObject({ running: 0, undelivered: 0 });
  });
});

describe('an answer whose Buffer was given away before it left', () => {
  it('becomes an error, and holds up nothing', async () => {
    const { endpoint } = await startApp([LargeController]);
    const client = await connectClient(endpoint);
    const answers = await Promise.allSettled([
      lastValueFrom(client.send('echo', 1)),
      lastValueFrom(client.send('given away', 1)),
      lastValueFrom(client.send('echo', 2)),
    ]);

    expect(answers).toMatchObject([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: { code: 'INTERNAL' } },
      { status: 'fulfilled', value: 2 },
    ]);
    expect(await firstValueFrom(client.send('echo', 3))).toBe(3);
  });

  it('fails the request at a client that does so', async () => {
    const { endpoint } = await startApp([LargeController]);
    const client = await connectClient(endpoint);
    const bytes = new Uint8Array(32);
    const answer = firstValueFrom(client.send('echo', bytes));
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });

    await expect(answer).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await firstValueFrom(client.send('echo', 3))).toBe(3);
  });
});

describe('requests that wait for a connection', () => {
  it('are bounded in bytes', async () => {
    const client = createClient('tcp://127.0.0.1:9', { connectTimeout: 500, limits: { outboxSize: '1mb' } });
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => lastValueFrom(client.send('echo', Buffer.alloc(MEGABYTE / 4)))),
    );
    const codes = answers.map(answer => (answer.status === 'rejected' ? (answer.reason as { code: string }).code : ''));

    expect(codes.filter(code => code === 'DISCONNECTED')).toHaveLength(3);
    expect(codes.filter(code => code === 'BACKPRESSURE')).toHaveLength(7);
  });
});

describe('close()', () => {
  it('ends the Observables that events have set going', async () => {
    const { app, endpoint } = await startApp([LargeController], { server: { drainTimeout: 50 } });
    const client = await connectClient(endpoint);
    await lastValueFrom(client.emit('tick', 1));
    await until(() => ticks > 2);
    await app.close();
    const atClose = ticks;
    await new Promise(resolve => setTimeout(resolve, 30));

    expect(ticks).toBe(atClose);
  });
});
