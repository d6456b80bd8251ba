import type { ServerZmq, ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ENGINES, startPlaces, statsOf, work } from '../../support/places.js';
import { RawPeer } from '../../support/raw-peer.js';
import { ask, askJson, rejectionOf } from '../../support/rejection.js';
import { connectClient, until } from '../../support/zmq-app.js';

const FREE = { running: 0, waiting: 0 };

describe.each(ENGINES)('@Concurrency with the engine %s', engine => {
  const start = (options: ZmqServerOptions = {}) => startPlaces({ engine, ...options });
  const expectToBeFree = async (server: ServerZmq, pattern: string) => {
    await until(() => server.getStats().running === 0);
    expect([statsOf(server, pattern), server.getStats().heldBytes]).toMatchObject([FREE, 0]);
  };

  it('never runs more than its places, and has the others wait in order', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const ids = Array.from({ length: 300 }, (_, id) => id);
    expect(await Promise.all(ids.map(id => ask(client, 'timed', { id, ms: 1 + (id % 3) })))).toEqual(ids);
    expect([work.mostRunning, work.begun]).toEqual([3, ids]);
    expect(statsOf(server, 'timed').mostWaiting).toBeGreaterThan(0);
    await expectToBeFree(server, 'timed');
  });

  it('holds for all peers together, those in JSON mode among them', async () => {
    const { server, endpoint } = await start();
    const clients = [await connectClient(endpoint), await connectClient(endpoint)];
    const raw = new RawPeer(endpoint);
    const items = Array.from({ length: 40 }, (_, id) => ({ id: String(id), pattern: 'timed', data: { id } }));
    const answers = clients.flatMap(client => items.map(({ data }) => ask(client, 'timed', data)));
    await raw.sendFrames(Buffer.from(JSON.stringify(items)));
    await Promise.all(answers);
    await until(() => work.begun.length === 120 && server.getStats().running === 0);
    expect(work.mostRunning).toBe(3);
  });

  it('holds for events, which wait as well', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const ids = Array.from({ length: 100 }, (_, id) => id);
    await Promise.all(ids.map(id => lastValueFrom(client.emit('timed event', { id }))));
    await until(() => work.begun.length === ids.length && work.running === 0);
    expect([work.mostRunning, work.begun]).toEqual([2, ids]);
    await expectToBeFree(server, 'timed event');
  });

  it('refuses what finds neither a place nor room to wait with OVERLOADED', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const waiting = [1, 2, 3].map(id => ask(client, 'held', { id }));
    await until(() => statsOf(server, 'held').waiting === 2);
    expect(await rejectionOf(ask(client, 'held', { id: 4 }))).toMatchObject({ code: 'OVERLOADED' });
    const raw = new RawPeer(endpoint);
    expect(await askJson(raw, { id: 'a', pattern: 'held', data: { id: 5 } })).toMatchObject({
      err: { code: 'OVERLOADED' },
      isDisposed: true,
    });
    // Others are served meanwhile.
    expect(await ask(client, 'free', { id: 6 })).toBe(6);
    expect(statsOf(server, 'held')).toEqual({
      running: 1,
      waiting: 2,
      mostWaiting: 2,
      refused: { access: 0, size: 0, rate: 0, overload: 2 },
    });
    work.gate.open();
    expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
    expect(work.begun).toEqual([1, 2, 3]);
    await expectToBeFree(server, 'held');
  });

  it('refuses at once without a queue', async () => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint);
    const first = ask(client, 'alone', { id: 1 });
    await until(() => work.begun.length === 1);
    expect(await rejectionOf(ask(client, 'alone', { id: 2 }))).toMatchObject({ code: 'OVERLOADED' });
    work.gate.open();
    expect(await first).toBe(1);
    expect(await ask(client, 'alone', { id: 3 })).toBe(3);
  });

  it('drops events that find no room, and counts them', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    for (const id of [1, 2, 3, 4, 5]) {
      await lastValueFrom(client.emit('held event', { id }));
    }
    await until(() => statsOf(server, 'held event').refused.overload === 2);
    expect(server.getStats().refused).toBe(2);
    work.gate.open();
    await until(() => work.begun.length === 3 && work.running === 0);
    expect(work.begun).toEqual([1, 2, 3]);
    await expectToBeFree(server, 'held event');
  });

  it('is left by a stream at its first value', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const values: number[] = [];
    const subscriptions = [1, 2, 3].map(id =>
      client.send<number>('stream', { id }).subscribe(value => values.push(value)),
    );
    await until(() => values.length === 3);
    await until(() => statsOf(server, 'stream').running === 0);
    expect([work.begun, server.getStats().streams]).toEqual([[1, 2, 3], 3]);
    for (const subscription of subscriptions) {
      subscription.unsubscribe();
    }
    await until(() => server.getStats().streams === 0);
  });

  it.each(['throws', 'rejects'])('is left by handlers of which each %s', async pattern => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const ids = Array.from({ length: 200 }, (_, id) => id);
    const outcomes = await Promise.allSettled(ids.map(id => ask(client, pattern, { id })));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(work.begun).toEqual(ids);
    await expectToBeFree(server, pattern);
  });

  it('runs the processing hooks once around each call, and not around those that never began', async () => {
    const { server, endpoint } = await start();
    const starts: unknown[] = [];
    let ends = 0;
    server.setOnProcessingStartHook((_transport, context, done) => {
      starts.push(context);
      void done();
    });
    server.setOnProcessingEndHook(() => ends++);
    const client = await connectClient(endpoint);
    const answers = [1, 2, 3].map(id => firstValueFrom(client.send('held', { id })));
    await until(() => statsOf(server, 'held').waiting === 2);
    await rejectionOf(ask(client, 'held', { id: 4 }));
    await until(() => work.begun.length === 1);
    expect([starts.length, ends]).toEqual([1, 0]);
    work.gate.open();
    await Promise.all(answers);
    await until(() => ends === 3);
    expect([starts.length, new Set(starts).size]).toEqual([3, 3]);
    await expectToBeFree(server, 'held');
  });
});
