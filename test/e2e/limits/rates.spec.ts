import { Controller, type Type } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import {
  RateLimit,
  SkipRateLimit,
  ZmqModule,
  ZmqRecordBuilder,
  type ClientZmq,
  type ZmqContext,
  type ZmqModuleOptions,
  type ZmqServerOptions,
  type ZmqViolation,
} from 'nestjs-zeromq';
import { beforeEach, describe, expect, it } from 'vitest';
import { PacketKind } from '../../../lib/wire/packet.js';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { eventPacket, RawPeer, requestPacket } from '../../support/raw-peer.js';
import { ask, rejectionOf, textPacket } from '../../support/rejection.js';
import { connectClient, elapsed, startApp, until } from '../../support/zmq-app.js';

refuseUnhandledRejections();

/** Long enough that nothing comes back during a test. */
const MINUTE = 60_000;

let ran: unknown[] = [];

const byTenant = (context: ZmqContext): string => {
  const tenant = context.getMetadata()?.['tenant'];
  if (tenant === undefined) {
    throw new Error('no tenant');
  }
  return tenant;
};

@Controller()
class RatesController {
  @MessagePattern('points')
  @RateLimit({ points: 3, duration: MINUTE })
  points(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('bytes')
  @RateLimit({ bytes: 100, duration: MINUTE })
  bytes(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('several')
  @RateLimit({ points: 2, duration: 150 }, { points: 3, duration: MINUTE })
  several(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('address')
  @RateLimit({ points: 3, duration: MINUTE, by: 'address' })
  address(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('identity')
  @RateLimit({ points: 3, duration: MINUTE, by: 'identity' })
  identity(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('tenant')
  @RateLimit({ points: 2, duration: MINUTE, by: byTenant })
  tenant(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('shared one')
  @RateLimit({ points: 3, duration: MINUTE, name: 'shared' })
  sharedOne(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('shared two')
  @RateLimit({ points: 3, duration: MINUTE, name: 'shared' })
  sharedTwo(@Payload() data: unknown): unknown {
    return data;
  }

  @EventPattern('noted')
  @RateLimit({ points: 2, duration: MINUTE })
  noted(@Payload() data: unknown): void {
    ran.push(data);
  }

  @MessagePattern('soon')
  @RateLimit({ points: 1, duration: 100 })
  soon(@Payload() data: unknown): unknown {
    return data;
  }
}

@Controller()
@RateLimit({ points: 1, duration: MINUTE })
class LimitedController {
  @MessagePattern('limited')
  limited(): string {
    return 'limited';
  }

  @MessagePattern('own')
  @RateLimit({ points: 2, duration: MINUTE })
  own(): string {
    return 'own';
  }

  @MessagePattern('skipped')
  @SkipRateLimit()
  skipped(): string {
    return 'skipped';
  }
}

@Controller()
@SkipRateLimit()
class FreeController {
  @MessagePattern('free')
  free(): string {
    return 'free';
  }

  @MessagePattern('limited all the same')
  @RateLimit({ points: 1, duration: MINUTE })
  limited(): string {
    return 'limited';
  }
}

@Controller()
class PlainController {
  @MessagePattern('plain')
  plain(): string {
    return 'plain';
  }
}

@Controller()
class OtherFiguresController {
  @MessagePattern('shared three')
  @RateLimit({ points: 4, duration: MINUTE, name: 'shared' })
  shared(): void {}
}

/** How many of so many requests are answered; all others have to be refused with this code. */
async function admitted(client: ClientZmq, pattern: string, count: number, data: unknown = {}): Promise<number> {
  const results = await Promise.allSettled(Array.from({ length: count }, () => ask(client, pattern, data)));
  const refusals = results.filter(result => result.status === 'rejected');
  expect(refusals.every(({ reason }) => (reason as { code: string }).code === 'RATE_LIMITED')).toBe(true);
  return count - refusals.length;
}

beforeEach(() => {
  ran = [];
});

describe.each<NonNullable<ZmqServerOptions['engine']>>(['gate', 'zeromq'])('rates of handlers, engine %s', engine => {
  async function start(controllers: readonly Type[] = [RatesController], options: ZmqModuleOptions = {}) {
    const imports = [ZmqModule.forRoot(options)];
    const app = await startApp(controllers, { imports, server: { engine } });
    return { ...app, client: await connectClient(app.endpoint) };
  }

  async function startRaw() {
    const app = await start();
    const peer = new RawPeer(app.endpoint);
    await peer.hello();
    return { ...app, peer };
  }

  it('refuses requests beyond the points, and says when there is room', async () => {
    const { client, server } = await start();
    expect(await admitted(client, 'points', 3)).toBe(3);
    const error = await rejectionOf(ask(client, 'points'));
    const { retryAfterMs } = error.details as { retryAfterMs: number };
    expect(error).toMatchObject({ code: 'RATE_LIMITED', message: expect.stringContaining(`${retryAfterMs} ms`) });
    expect(Number.isInteger(retryAfterMs)).toBe(true);
    // A third of the points comes back in a third of the time.
    expect(retryAfterMs).toBeGreaterThan(MINUTE / 3 - 2_000);
    expect(retryAfterMs).toBeLessThanOrEqual(MINUTE / 3);
    expect(server.getStats()).toMatchObject({ requests: 3, rateLimited: 1, refused: 0 });
  });

  it('takes the next request after the time that it told', async () => {
    const { client } = await start();
    await ask(client, 'soon');
    const { details } = await rejectionOf(ask(client, 'soon'));
    const { retryAfterMs } = details as { retryAfterMs: number };
    expect(retryAfterMs).toBeLessThanOrEqual(100);
    await new Promise(resolve => setTimeout(resolve, retryAfterMs + 1));
    expect(await ask(client, 'soon', 'again')).toBe('again');
  });

  it('counts the bytes of payloads', async () => {
    const { client } = await start();
    expect(await admitted(client, 'bytes', 6, 'x'.repeat(23))).toBe(4);
    const peer = await connectClient((await start()).endpoint);
    // What is larger than all that may come at once passes once, or it would never pass.
    expect(await admitted(peer, 'bytes', 2, 'x'.repeat(500))).toBe(1);
  });

  it('keeps several limits', async () => {
    const { client } = await start();
    expect(await admitted(client, 'several', 4)).toBe(2);
    await new Promise(resolve => setTimeout(resolve, 160));
    expect(await admitted(client, 'several', 4)).toBe(1);
    await new Promise(resolve => setTimeout(resolve, 160));
    const { details } = await rejectionOf(ask(client, 'several'));
    expect((details as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(1_000);
  });

  it('counts each connection for itself, unless told otherwise', async () => {
    const { client, endpoint } = await start();
    const other = await connectClient(endpoint);
    expect(await admitted(client, 'points', 5)).toBe(3);
    expect(await admitted(other, 'points', 5)).toBe(3);
  });

  it('counts all connections of an address together', async () => {
    const { client, endpoint } = await start();
    const other = await connectClient(endpoint);
    expect((await admitted(client, 'address', 2)) + (await admitted(other, 'address', 5))).toBe(3);
  });

  it('counts connections that have proven no name each for itself', async () => {
    const { client, endpoint } = await start();
    const other = await connectClient(endpoint);
    expect(await admitted(client, 'identity', 5)).toBe(3);
    expect(await admitted(other, 'identity', 5)).toBe(3);
  });

  it('counts by what a function makes of the metadata, and together what it fails for', async () => {
    const { client, endpoint } = await start();
    const other = await connectClient(endpoint);
    const of = (tenant: string) => new ZmqRecordBuilder('x').setMetadata({ tenant }).build();
    expect(await admitted(client, 'tenant', 5, of('a'))).toBe(2);
    expect(await admitted(other, 'tenant', 5, of('a'))).toBe(0);
    expect(await admitted(other, 'tenant', 5, of('b'))).toBe(2);
    expect((await admitted(client, 'tenant', 5)) + (await admitted(other, 'tenant', 5))).toBe(2);
  });

  it('counts limits of one name together', async () => {
    const { client } = await start();
    expect((await admitted(client, 'shared one', 2)) + (await admitted(client, 'shared two', 5))).toBe(3);
    expect(await admitted(client, 'points', 3)).toBe(3);
  });

  it('refuses to start with limits of one name that differ', async () => {
    await expect(start([RatesController, OtherFiguresController])).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/'shared'.*3 points in 60000 ms by peer.*4 points/) as string,
    });
  });

  it('puts a method before its controller, and frees whoever skips it', async () => {
    const { client } = await start([LimitedController, FreeController]);
    expect(await admitted(client, 'limited', 4)).toBe(1);
    expect(await admitted(client, 'own', 4)).toBe(2);
    expect(await admitted(client, 'skipped', 4)).toBe(4);
    expect(await admitted(client, 'free', 4)).toBe(4);
    expect(await admitted(client, 'limited all the same', 4)).toBe(1);
  });

  it('has a limit for all handlers that say none', async () => {
    const limits = { rateLimit: { points: 3, duration: MINUTE } };
    const { client } = await start([PlainController, LimitedController, FreeController], { limits });
    expect(await admitted(client, 'plain', 5)).toBe(3);
    expect(await admitted(client, 'limited', 5)).toBe(1);
    expect(await admitted(client, 'skipped', 5)).toBe(5);
    expect(await admitted(client, 'free', 5)).toBe(5);
  });

  it('drops events beyond the rate, counts them, and goes on giving their sender credit', async () => {
    const { server, client, peer } = await startRaw();
    await peer.send(...[1, 2, 3, 4].map(n => eventPacket('noted', n)));
    await until(() => server.getStats().rateLimited === 2);
    await until(() => ran.length === 2);
    expect(ran).toEqual([1, 2]);
    expect(server.getStats()).toMatchObject({ events: 2, rateLimited: 2 });
    for (let batch = 0; batch < 4; batch++) {
      await peer.send(eventPacket('noted', 'x'.repeat(100_000)));
    }
    expect((await peer.next(PacketKind.Credit)).amount).toBeGreaterThan(0);
    expect(await ask(client, 'points', 'others')).toBe('others');
  });

  it('refuses without decoding', async () => {
    const { peer, server } = await startRaw();
    await peer.send(...[1, 2, 3, 4].map(id => textPacket('points', '{', id)));
    for (const code of ['MALFORMED', 'MALFORMED', 'MALFORMED', 'RATE_LIMITED']) {
      expect((await peer.nextError()).error).toMatchObject({ code });
    }
    expect(server.getStats()).toMatchObject({ malformed: 3, rateLimited: 1 });
  });

  it('counts each packet of a batch, and each item of an array', async () => {
    const { peer, endpoint } = await startRaw();
    await peer.send(...[1, 2, 3, 4, 5].map(id => requestPacket(id, 'points', id)));
    expect([(await peer.nextError()).id, (await peer.nextError()).id]).toEqual([4, 5]);
    const json = new RawPeer(endpoint);
    const items = ['a', 'b', 'c', 'd', 'e'].map(id => ({ id, pattern: 'points', data: id }));
    await json.sendFrames(Buffer.from(JSON.stringify(items)));
    const answers: Record<string, unknown>[] = [];
    while (answers.length < items.length) {
      answers.push(await json.nextJson());
    }
    const refused = answers.filter(({ err }) => (err as { code?: string } | undefined)?.code === 'RATE_LIMITED');
    expect(refused.map(({ id }) => id)).toEqual(['d', 'e']);
    expect(refused[0]).toMatchObject({ err: { details: { retryAfterMs: expect.any(Number) as number } } });
  });

  it('lets a client through that tries again', async () => {
    const { endpoint, server } = await start();
    const client = await connectClient(endpoint, { retry: { attempts: 10, maxDelay: 1_000 } });
    const retries: unknown[] = [];
    client.on('retry', (...args) => retries.push(args));
    const answers = await Promise.all([1, 2, 3].map(n => ask(client, 'soon', n)));
    expect(answers).toEqual([1, 2, 3]);
    expect(retries.length).toBeGreaterThan(1);
    expect(server.getStats().rateLimited).toBe(retries.length);
  });

  it('is off where the module says so', async () => {
    const { client } = await start([LimitedController], { rateLimits: false });
    expect(await admitted(client, 'limited', 10)).toBe(10);
  });
});

describe('a connection that is refused again and again', () => {
  it('is paused', async () => {
    const violations: ZmqViolation[] = [];
    const { server, endpoint } = await startApp([RatesController], {
      imports: [ZmqModule.forRoot()],
      server: { engine: 'gate', gate: { refusalRate: 10 } },
    });
    server.on('violation', violation => violations.push(violation));
    const peer = new RawPeer(endpoint);
    await peer.hello();
    const inAll = await elapsed(async () => {
      for (let id = 1; id <= 33; id++) {
        await peer.send(textPacket('points', '1', id));
        // Each in a message of its own: what has been read already is not held back.
        await new Promise(resolve => setImmediate(resolve));
      }
      await until(() => server.getStats().rateLimited === 30, 10_000);
    });
    // Ten at once, and ten a second.
    expect(inAll).toBeGreaterThan(1_000);
    expect(violations.map(({ kind, action }) => `${kind} ${action}`)).toContain('handler-rate refuse');
    const other = await connectClient(endpoint);
    expect(await ask(other, 'points', 'others')).toBe('others');
  });
});
