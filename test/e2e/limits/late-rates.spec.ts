import { Controller, UseGuards } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, type Deserializer } from '@nestjs/microservices';
import { MaxMessageSize, RateLimit, RateLimitGuard, ZmqModule, type ZmqServerOptions } from 'nestjs-zeromq';
import { beforeEach, describe, expect, it } from 'vitest';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { connectRedis, createPrefix } from '../../support/redis.js';
import { ask, rejectionOf } from '../../support/rejection.js';
import { connectClient, startApp, until } from '../../support/zmq-app.js';

refuseUnhandledRejections();

const MINUTE = 60_000;
const POINTS = 2;
const ASKED = 5;

let ran: unknown[] = [];

@Controller()
class LateController {
  @MessagePattern('guarded')
  @UseGuards(RateLimitGuard)
  @RateLimit({ points: POINTS, duration: MINUTE })
  guarded(@Payload() data: unknown): unknown {
    return this.run(data);
  }

  @MessagePattern('plain')
  @RateLimit({ points: POINTS, duration: MINUTE, by: 'address' })
  @MaxMessageSize(100)
  plain(@Payload() data: unknown): unknown {
    return this.run(data);
  }

  @EventPattern('noted')
  @RateLimit({ points: POINTS, duration: MINUTE, by: 'address' })
  noted(@Payload() data: unknown): void {
    this.run(data);
  }

  @MessagePattern('other name')
  other(@Payload() data: unknown): unknown {
    return this.run(data);
  }

  private run(data: unknown): unknown {
    ran.push(data);
    return data;
  }
}

/** Takes what comes for another name to be for the plain handler. */
const renaming: Deserializer = {
  deserialize: (packet: { pattern: string }) =>
    packet.pattern === 'other name' ? { ...packet, pattern: 'plain' } : packet,
};

beforeEach(() => {
  ran = [];
});

describe.each<NonNullable<ZmqServerOptions['engine']>>(['gate', 'zeromq'])(
  'rates of messages that have been decoded, engine %s',
  engine => {
    async function start(options: ZmqServerOptions = {}, withStore = false) {
      const store = withStore ? { redis: await connectRedis(), keyPrefix: createPrefix() } : undefined;
      const rateLimits = store === undefined ? {} : { store };
      const app = await startApp([LateController], {
        imports: [ZmqModule.forRoot({ rateLimits })],
        server: { engine, ...options },
      });
      const kinds: string[] = [];
      app.server.on('violation', ({ kind }) => kinds.push(kind));
      return { ...app, kinds, client: await connectClient(app.endpoint) };
    }

    type Started = Awaited<ReturnType<typeof start>>;

    /** What the books say after more requests than the handler takes. */
    async function overuse({ client, server, kinds }: Started, pattern: string) {
      for (let i = 0; i < POINTS; i++) {
        await ask(client, pattern, i);
      }
      for (let i = POINTS; i < ASKED; i++) {
        expect(await rejectionOf(ask(client, pattern, i))).toMatchObject({ code: 'RATE_LIMITED' });
      }
      await until(() => kinds.includes('handler-rate'));
      return { served: ran.length, rateLimited: server.getStats().rateLimited };
    }

    const BOOKED = { served: POINTS, rateLimited: ASKED - POINTS };

    it('are reported like all others where a guard refuses', async () => {
      expect(await overuse(await start(), 'guarded')).toEqual(BOOKED);
    });

    it('are reported like all others where a store refuses', async () => {
      expect(await overuse(await start({}, true), 'plain')).toEqual(BOOKED);
    });

    it('are kept with a deserializer', async () => {
      expect(await overuse(await start({ deserializer: renaming }), 'plain')).toEqual(BOOKED);
    });

    it('are kept with a deserializer where a store counts', async () => {
      expect(await overuse(await start({ deserializer: renaming }, true), 'plain')).toEqual(BOOKED);
    });

    it('are those of the pattern that a deserializer makes of another one, and so are sizes', async () => {
      const started = await start({ deserializer: renaming });
      expect(await overuse(started, 'other name')).toEqual(BOOKED);
      const tooLarge = ask(started.client, 'other name', 'x'.repeat(200));
      expect(await rejectionOf(tooLarge)).toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
        details: { limit: 100, actual: 202 },
      });
    });

    it('drop events that a store refuses, and count them', async () => {
      const { client, server } = await start({}, true);
      for (let i = 0; i < ASKED; i++) {
        client.emit('noted', i);
      }
      await until(() => server.getStats().rateLimited === ASKED - POINTS);
      await until(() => ran.length >= POINTS);
      expect(ran).toHaveLength(POINTS);
    });
  },
);
