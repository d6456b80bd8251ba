import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Priority, ZmqEvents, ZmqModule, type ZmqOverload, type ZmqSheddingOptions } from 'nestjs-zeromq';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ENGINES, statsOf } from '../../support/places.js';
import { RawPeer } from '../../support/raw-peer.js';
import { ask, askJson, rejectionOf } from '../../support/rejection.js';
import { connectClient, startApp, until } from '../../support/zmq-app.js';

/** Blocks the event loop, as a handler does that computes. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

@Controller()
class BusyController {
  readonly seen: unknown[] = [];

  @MessagePattern('ordinary')
  ordinary(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('vital')
  @Priority('critical')
  vital(@Payload() data: unknown): unknown {
    return data;
  }

  @EventPattern('noted')
  noted(@Payload() data: unknown): void {
    this.seen.push(data);
  }
}

const QUICK: ZmqSheddingOptions = { eventLoopDelay: 40, recovery: 0.5, interval: 50, heap: 1 };

describe.each(ENGINES)('shedding of load with the engine %s', engine => {
  const start = async (shedding: ZmqSheddingOptions | false) => {
    const { app, server, endpoint } = await startApp([BusyController], {
      server: { engine, shedding },
      imports: [ZmqModule.forRoot()],
    });
    const overloads: ZmqOverload[] = [];
    const observed: ZmqOverload[] = [];
    server.on('overload', overload => overloads.push(overload));
    app.get(ZmqEvents).overloads.subscribe(overload => observed.push(overload));
    const client = await connectClient(endpoint);
    return { app, server, endpoint, client, overloads, observed };
  };

  /** Keeps the event loop busy until the condition holds, with a moment for the rest of the process now and then. */
  const busyUntil = async (condition: () => boolean) => {
    const end = performance.now() + 5_000;
    while (!condition() && performance.now() < end) {
      block(120);
      await new Promise(resolve => setTimeout(resolve, 1));
    }
    expect(condition()).toBe(true);
  };

  it('refuses new requests but critical ones while the event loop is blocked, and ends by itself', async () => {
    const { app, server, endpoint, client, overloads, observed } = await start(QUICK);
    const raw = new RawPeer(endpoint);
    expect(await ask(client, 'ordinary', 1)).toBe(1);
    await busyUntil(() => overloads.length > 0);
    expect(overloads).toMatchObject([{ isShedding: true, reason: 'event-loop' }]);
    expect(overloads[0]?.eventLoopDelay).toBeGreaterThan(40);

    const refused = rejectionOf(ask(client, 'ordinary', 2));
    const vital = ask(client, 'vital', 3);
    const json = askJson(raw, { id: 'a', pattern: 'ordinary', data: 4 });
    await lastValueFrom(client.emit('noted', 5));
    let isSettled = false;
    const all = Promise.all([refused, vital, json]).finally(() => {
      isSettled = true;
    });
    await busyUntil(() => isSettled);
    const [error, answer, jsonError] = await all;
    const overloaded = { code: 'OVERLOADED', details: { retryAfterMs: 250 } };
    expect(error).toMatchObject(overloaded);
    expect(answer).toBe(3);
    expect(jsonError).toMatchObject({ id: 'a', err: overloaded });

    await until(() => overloads.length === 2);
    expect(overloads[1]).toMatchObject({ isShedding: false, reason: 'event-loop' });
    expect(observed).toEqual(overloads);
    expect(await ask(client, 'ordinary', 6)).toBe(6);
    expect(server.getStats().refused).toBe(3);
    expect(app.get(BusyController).seen).toEqual([]);
    expect([statsOf(server, 'ordinary').refused, statsOf(server, 'noted').refused]).toEqual([
      { size: 0, rate: 0, overload: 2, access: 0 },
      { size: 0, rate: 0, overload: 1, access: 0 },
    ]);
    expect(statsOf(server, 'vital').refused.overload).toBe(0);
  });

  it('does not happen where it is switched off', async () => {
    const { client, overloads } = await start(false);
    for (let round = 0; round < 5; round++) {
      block(120);
      expect(await ask(client, 'ordinary', round)).toBe(round);
    }
    expect(overloads).toEqual([]);
  });

  it('is switched on and off while the server runs', async () => {
    const { server, client, overloads } = await start(false);
    server.setLimits({ shedding: { rss: '1mb', interval: 50 } });
    await until(() => overloads.length === 1);
    expect(await rejectionOf(ask(client, 'ordinary', 1))).toMatchObject({ code: 'OVERLOADED' });
    server.setLimits({ shedding: false });
    expect(overloads).toMatchObject([
      { isShedding: true, reason: 'rss' },
      { isShedding: false, reason: 'rss' },
    ]);
    expect(await ask(client, 'ordinary', 2)).toBe(2);
  });

  it('is not begun by a change of limits after the server has closed', async () => {
    const { app, server, overloads } = await start(QUICK);
    await app.close();
    server.setLimits({ shedding: { rss: '1mb', interval: 50 } });
    await new Promise(resolve => setTimeout(resolve, 200));
    expect(overloads).toEqual([]);
  });
});
