import { Controller, Injectable, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  MaxMessageSize,
  RateLimit,
  RateLimitGuard,
  ZmqContext,
  ZmqEvents,
  ZmqModule,
  ZmqRecordBuilder,
  type ClientZmq,
  type ZmqModuleOptions,
  type ZmqServerOptions,
} from 'nestjs-zeromq';
import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { RawPeer } from '../../support/raw-peer.js';
import { connectRedis, createPrefix } from '../../support/redis.js';
import { ask, askJson, rejectionOf } from '../../support/rejection.js';
import { connectClient, startApp, until } from '../../support/zmq-app.js';

refuseUnhandledRejections();

const MINUTE = 60_000;

let ran: unknown[] = [];

/** Lets in whoever knows the word. */
@Injectable()
class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const zmq = context.switchToRpc().getContext<ZmqContext>();
    if (zmq.getMetadata()?.['word'] !== 'sesame') {
      throw new RpcException({ code: 'UNAUTHENTICATED', message: 'Who are you?' });
    }
    return true;
  }
}

@Controller()
@UseGuards(AuthGuard, RateLimitGuard)
class GuardedController {
  @MessagePattern('guarded')
  @RateLimit({ points: 3, duration: MINUTE })
  guarded(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('guarded twice')
  @UseGuards(RateLimitGuard)
  @RateLimit({ points: 3, duration: MINUTE })
  twice(@Payload() data: unknown): unknown {
    return data;
  }
}

@Controller()
class HandlersController {
  @MessagePattern('one')
  @UseGuards(AuthGuard, RateLimitGuard)
  @RateLimit({ points: 2, bytes: '1kb', duration: MINUTE })
  @MaxMessageSize('10kb')
  one(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('unlimited')
  @UseGuards(RateLimitGuard)
  unlimited(@Payload() data: unknown): unknown {
    return data;
  }

  @EventPattern('noted')
  @UseGuards(RateLimitGuard)
  @RateLimit({ points: 2, duration: MINUTE })
  noted(@Payload() data: unknown): void {
    ran.push(['guarded', data]);
  }
}

/** The same event as of the controller above. */
@Controller()
class OpenController {
  @EventPattern('noted')
  noted(@Payload() data: unknown): void {
    ran.push(['open', data]);
  }
}

@Controller()
@UseGuards(RateLimitGuard)
class SecondController {
  @EventPattern('noted')
  noted(@Payload() data: unknown): void {
    ran.push(['second', data]);
  }
}

@Controller()
class StoredController {
  @MessagePattern('stored')
  @RateLimit({ points: 5, duration: MINUTE, by: 'address' })
  stored(@Payload() data: unknown): unknown {
    ran.push(data);
    return data;
  }

  @MessagePattern('stored and guarded')
  @UseGuards(AuthGuard, RateLimitGuard)
  @RateLimit({ points: 5, duration: MINUTE, by: 'address' })
  guarded(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('stored bytes')
  @RateLimit({ bytes: 100, duration: MINUTE, by: 'address' })
  bytes(@Payload() data: unknown): unknown {
    return data;
  }
}

const known = (data: unknown) => new ZmqRecordBuilder(data).setMetadata({ word: 'sesame' }).build();

async function admitted(client: ClientZmq, pattern: string, count: number, data: unknown): Promise<number> {
  const results = await Promise.allSettled(Array.from({ length: count }, () => ask(client, pattern, data)));
  const refusals = results.filter(result => result.status === 'rejected');
  expect(refusals.every(({ reason }) => (reason as { code: string }).code === 'RATE_LIMITED')).toBe(true);
  return count - refusals.length;
}

/** The numbers of the events that handlers were given. */
const heard = () => ran.map(entry => Number((entry as unknown[])[1])).toSorted((a, b) => a - b);

beforeEach(() => {
  ran = [];
});

describe.each<NonNullable<ZmqServerOptions['engine']>>(['gate', 'zeromq'])('RateLimitGuard, engine %s', engine => {
  async function start(controllers: Parameters<typeof startApp>[0], options: ZmqModuleOptions = {}) {
    const app = await startApp(controllers, { imports: [ZmqModule.forRoot(options)], server: { engine } });
    return { ...app, client: await connectClient(app.endpoint) };
  }

  it('counts what the guards before it let through, for each handler of its controller', async () => {
    const { client } = await start([GuardedController]);
    for (let i = 0; i < 5; i++) {
      expect(await rejectionOf(ask(client, 'guarded'))).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(await admitted(client, 'guarded', 5, known('x'))).toBe(3);
    expect(await rejectionOf(ask(client, 'guarded', known('x')))).toMatchObject({
      code: 'RATE_LIMITED',
      details: { retryAfterMs: expect.any(Number) as number },
    });
    expect(await rejectionOf(ask(client, 'guarded'))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('counts a message once that meets it twice', async () => {
    const { client } = await start([GuardedController]);
    expect(await admitted(client, 'guarded twice', 6, known('x'))).toBe(3);
  });

  it('counts points and bytes of the handler that it guards, in JSON mode as well', async () => {
    const { client, endpoint } = await start([HandlersController]);
    expect(await admitted(client, 'one', 4, known('x'))).toBe(2);
    const other = await connectClient(endpoint);
    expect(await admitted(other, 'one', 2, known('x'.repeat(2_000)))).toBe(1);
    const peer = new RawPeer(endpoint);
    const request = { id: '1', pattern: 'one', data: 'x', metadata: { word: 'sesame' } };
    expect(await askJson(peer, request)).toMatchObject({ response: 1 });
    expect(await askJson(peer, request)).toMatchObject({ response: 1 });
    expect(await askJson(peer, request)).toMatchObject({ id: '1', err: { code: 'RATE_LIMITED' } });
  });

  it('lets everything through to handlers without a limit', async () => {
    const { client } = await start([HandlersController]);
    expect(await admitted(client, 'unlimited', 20, 'x')).toBe(20);
  });

  it('drops events beyond the rate', async () => {
    const { client } = await start([HandlersController]);
    for (const n of [1, 2, 3, 4]) {
      client.emit('noted', n).subscribe();
    }
    await ask(client, 'unlimited');
    await until(() => ran.length >= 2);
    expect(ran).toEqual([
      ['guarded', 1],
      ['guarded', 2],
    ]);
  });

  it('leaves an event to the server that one of its handlers takes unguarded', async () => {
    const { client, server } = await start([HandlersController, OpenController]);
    for (const n of [1, 2, 3, 4]) {
      client.emit('noted', n).subscribe();
    }
    await until(() => server.getStats().rateLimited === 2);
    await until(() => ran.length === 4);
    expect(heard()).toEqual([1, 1, 2, 2]);
  });

  it('counts an event once that several guarded handlers take', async () => {
    const { client } = await start([HandlersController, SecondController]);
    for (const n of [1, 2, 3, 4]) {
      client.emit('noted', n).subscribe();
    }
    await until(() => ran.length >= 4);
    await ask(client, 'unlimited');
    expect(heard()).toEqual([1, 1, 2, 2]);
  });
});

describe('rates in Redis', () => {
  let redis: Redis;
  let keyPrefix: string;

  beforeEach(async () => {
    redis = await connectRedis();
    keyPrefix = createPrefix();
  });

  /** An application of its own, whose store comes from a provider. */
  async function startStored() {
    const imports = [
      ZmqModule.forRootAsync({
        inject: ['REDIS'],
        imports: [RedisModule(redis)],
        useFactory: (client: Redis) => ({ rateLimits: { store: { redis: client, keyPrefix } } }),
      }),
    ];
    const app = await startApp([StoredController], { imports });
    return { ...app, client: await connectClient(app.endpoint) };
  }

  it.each(['stored', 'stored and guarded'])('are shared by applications: %s', async pattern => {
    const one = await startStored();
    const two = await startStored();
    const both = await Promise.all([one, two].map(({ client }) => admitted(client, pattern, 10, known('x'))));
    expect(both[0]! + both[1]!).toBe(5);
    const { details } = await rejectionOf(ask(two.client, pattern, known('x')));
    const { retryAfterMs } = details as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(MINUTE);
    expect(ran.length).toBe(pattern === 'stored' ? 5 : 0);
  });

  it('count bytes together', async () => {
    const one = await startStored();
    const two = await startStored();
    const data = 'x'.repeat(23);
    expect(await admitted(one.client, 'stored bytes', 3, data)).toBe(3);
    expect(await admitted(two.client, 'stored bytes', 3, data)).toBe(1);
  });

  it('leave the client open, and tell when it is away', async () => {
    const { app, client } = await startStored();
    const changes: boolean[] = [];
    app.get(ZmqEvents).rateLimitStore.subscribe(({ isAway }) => changes.push(isAway));
    expect(await ask(client, 'stored', 'x')).toBe('x');
    redis.disconnect();
    expect(await admitted(client, 'stored', 3, 'x')).toBe(3);
    expect(changes).toEqual([true]);
    await redis.connect();
    await app.close();
    expect(await redis.ping()).toBe('PONG');
  });
});

function RedisModule(redis: Redis) {
  class Stores {}
  return { module: Stores, providers: [{ provide: 'REDIS', useValue: redis }], exports: ['REDIS'] };
}
