import { Controller, Injectable } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  MaxMessageSize,
  OnZmqViolation,
  RateLimit,
  ZmqEvents,
  ZmqModule,
  type ZmqServerOptions,
  type ZmqViolation,
} from 'nestjs-zeromq';
import { beforeEach, describe, expect, it } from 'vitest';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { ENGINES } from '../../support/places.js';
import { RawPeer, requestPacket } from '../../support/raw-peer.js';
import { ask } from '../../support/rejection.js';
import { connectClient, onCleanup, startApp, until } from '../../support/zmq-app.js';

const heard: Record<string, ZmqViolation[]> = {};

function hear(listener: string, violation: ZmqViolation): void {
  (heard[listener] ??= []).push(violation);
}

const kindsOf = (listener: string) => (heard[listener] ?? []).map(({ kind }) => kind);

@Injectable()
class Alarm {
  readonly name = 'alarm';

  @OnZmqViolation()
  throws(violation: ZmqViolation): never {
    hear('throws', violation);
    throw new Error('a broken alarm');
  }

  @OnZmqViolation()
  async rejects(violation: ZmqViolation): Promise<never> {
    hear('rejects', violation);
    return Promise.reject(new Error('a broken alarm'));
  }

  @OnZmqViolation()
  all(violation: ZmqViolation): void {
    hear(this.name, violation);
  }

  @OnZmqViolation('handler-size', 'frame-too-large')
  sizes(violation: ZmqViolation): void {
    hear('sizes', violation);
  }
}

@Controller()
class LimitedController {
  @MessagePattern('small')
  @MaxMessageSize(100)
  small(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('rare')
  @RateLimit({ points: 1, duration: 60_000 })
  rare(): string {
    return 'done';
  }

  @OnZmqViolation('handler-rate')
  rates(violation: ZmqViolation): void {
    hear('rates', violation);
  }
}

beforeEach(() => {
  for (const name of Object.keys(heard)) {
    delete heard[name];
  }
});

async function startAlarmed(options: ZmqServerOptions) {
  const { app, server, endpoint } = await startApp([LimitedController], {
    server: options,
    providers: [Alarm],
    imports: [
      ZmqModule.forRoot({
        onViolation: violation => {
          hear('option', violation);
          throw new Error('a broken option');
        },
      }),
    ],
  });
  app.get(ZmqEvents).violations.subscribe(violation => hear('observable', violation));
  return { app, server, endpoint };
}

describe.each(ENGINES)('violations with the engine %s', engine => {
  refuseUnhandledRejections();

  const start = (options: ZmqServerOptions = {}) => startAlarmed({ engine, ...options });

  it('are told to methods, to the option and to whoever observes, and those that fail harm nobody', async () => {
    const { server, endpoint } = await start();
    const raw = new RawPeer(endpoint);
    await raw.hello();
    await raw.send(
      requestPacket(1, 'small', 'x'.repeat(200)),
      requestPacket(2, 'rare', 1),
      requestPacket(3, 'rare', 1),
    );
    expect((await raw.nextError()).error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect((await raw.nextError()).error).toMatchObject({ code: 'RATE_LIMITED' });
    await until(() => kindsOf('alarm').length === 2);
    const both = ['handler-size', 'handler-rate'];
    for (const listener of ['throws', 'rejects', 'alarm', 'option', 'observable']) {
      expect([listener, kindsOf(listener)]).toEqual([listener, both]);
    }
    expect([kindsOf('sizes'), kindsOf('rates')]).toEqual([['handler-size'], ['handler-rate']]);
    const address = engine === 'gate' ? '127.0.0.1' : undefined;
    expect(heard['sizes']?.[0]).toMatchObject({
      id: 'A1',
      address,
      action: 'refuse',
      count: 1,
      figures: { limit: 100, actual: 202 },
    });
    expect(heard['rates']?.[0]).toMatchObject({ id: 'A3', address, action: 'refuse', count: 1 });
    expect(heard['sizes']?.[0]?.peerId).toMatch(/^[0-9a-f]+$/);
    expect(server.getStats().violations).toBe(2);
    const client = await connectClient(endpoint);
    expect(await ask(client, 'small', 'ok')).toBe(2);
  });

  it('of one kind are told once a second, with their number', async () => {
    const { endpoint } = await start();
    const raw = new RawPeer(endpoint);
    await raw.hello();
    const flood = (from: number) =>
      raw.send(...Array.from({ length: 20 }, (_, index) => requestPacket(from + index, 'small', 'x'.repeat(200))));
    await flood(1);
    for (let answers = 0; answers < 20; answers++) {
      await raw.nextError();
    }
    expect(heard['alarm']).toMatchObject([{ count: 1 }]);
    await new Promise(resolve => setTimeout(resolve, 1_000));
    await flood(100);
    await until(() => kindsOf('alarm').length === 2);
    expect(heard['alarm']?.[1]).toMatchObject({ kind: 'handler-size', count: 20 });
  });

  it('are told to nobody after the application has closed, even where its server is started anew', async () => {
    const { app, server } = await start();
    let isComplete = false;
    app.get(ZmqEvents).violations.subscribe({
      complete: () => {
        isComplete = true;
      },
    });
    await app.close();
    expect(isComplete).toBe(true);
    await new Promise<void>((resolve, reject) => {
      server.listen(error => (error === undefined ? resolve() : reject(error as Error)));
    });
    onCleanup(() => server.close());
    const raw = new RawPeer(server.endpoints[0] as string);
    await raw.hello();
    await raw.send(requestPacket(1, 'small', 'x'.repeat(200)));
    await raw.nextError();
    await until(() => server.getStats().violations === 1);
    expect(heard).toEqual({});
  });
});

describe('violations of the gate', () => {
  it('are told as well', async () => {
    const { endpoint } = await startAlarmed({ engine: 'gate', limits: { maxMessageSize: '1kb' } });
    const raw = new RawPeer(endpoint);
    await raw.hello(1024);
    await raw.sendFrames(Buffer.alloc(512 * 1024));
    await until(() => kindsOf('alarm').includes('frame-too-large'));
    expect(heard['sizes']).toMatchObject([{ id: 'A1', kind: 'frame-too-large', action: 'disconnect' }]);
    expect(kindsOf('rates')).toEqual([]);
  });
});
