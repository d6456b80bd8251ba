import { ZmqRecordBuilder, type ClientZmq, type ServerZmq, type ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { PacketKind } from '../../../lib/wire/packet.js';
import { ENGINES, startPlaces, statsOf, work } from '../../support/places.js';
import { RawPeer, eventPacket, packetsOf, requestPacket } from '../../support/raw-peer.js';
import { ask, rejectionOf } from '../../support/rejection.js';
import { connectClient, until } from '../../support/zmq-app.js';

const MANY = 100_000;

describe.each(ENGINES)('the queue of a handler with the engine %s', engine => {
  const start = (options: ZmqServerOptions = {}) => startPlaces({ engine, ...options });

  /** A call that has the only place. */
  async function occupy(server: ServerZmq, client: ClientZmq): Promise<{ readonly running: Promise<unknown> }> {
    const running = firstValueFrom(client.send('held', { id: 0 }));
    running.catch(() => undefined);
    await until(() => statsOf(server, 'held').running === 1);
    return { running };
  }

  it('is left by a request whose deadline passes: it never runs, and its memory and place are free at once', async () => {
    const { server, endpoint } = await start();
    const raw = new RawPeer(endpoint);
    await raw.hello();
    await raw.send(requestPacket(1, 'held', { id: 0 }));
    await until(() => statsOf(server, 'held').running === 1);
    const before = server.getStats().heldBytes;
    await raw.send(requestPacket(2, 'held', { id: 1, fill: 'x'.repeat(10_000) }, { timeoutMs: 60 }));
    await until(() => statsOf(server, 'held').waiting === 1);
    expect(server.getStats().heldBytes).toBeGreaterThan(before + 10_000);
    expect(await raw.nextError()).toMatchObject({ id: 2, error: { code: 'DEADLINE_EXCEEDED' } });
    await until(() => server.getStats().outboxBytes === 0);
    expect(server.getStats()).toMatchObject({ running: 1, heldBytes: before });
    expect(statsOf(server, 'held')).toMatchObject({ running: 1, waiting: 0, mostWaiting: 1 });
    work.gate.open();
    expect((await raw.next(PacketKind.Response)).id).toBe(1);
    expect(work.begun).toEqual([0]);
  });

  it('is left by a request that is cancelled', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    await occupy(server, client);
    const waiting = client.send('held', { id: 1 }).subscribe();
    await until(() => statsOf(server, 'held').waiting === 1);
    waiting.unsubscribe();
    await until(() => statsOf(server, 'held').waiting === 0);
    expect(server.getStats()).toMatchObject({ running: 1, cancelled: 1 });
    work.gate.open();
    expect(await ask(client, 'held', { id: 2 })).toBe(2);
    expect(work.begun).toEqual([0, 2]);
  });

  it('is left by the requests of a peer that goes, and its events stay', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    await occupy(server, client);
    await lastValueFrom(client.emit('held event', { id: 10 }));
    const raw = new RawPeer(endpoint);
    await raw.hello();
    await raw.send(
      requestPacket(1, 'held', { id: 1 }),
      requestPacket(2, 'held', { id: 2 }),
      eventPacket('held event', { id: 11 }),
    );
    await until(() => statsOf(server, 'held').waiting === 2 && statsOf(server, 'held event').waiting === 1);
    raw.close();
    await until(() => statsOf(server, 'held').waiting === 0);
    expect(server.getStats().running).toBe(3);
    work.gate.open();
    await until(() => server.getStats().running === 0);
    expect(work.begun).toEqual([0, 10, 11]);
    expect(server.getStats().heldBytes).toBe(0);
  });

  it('lets the next one in when a deadline ends the call that has the place', async () => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint);
    const late = new ZmqRecordBuilder({ id: 0 }).setTimeout(80).build();
    const first = rejectionOf(firstValueFrom(client.send('held', late)));
    const second = ask(client, 'held', { id: 1 });
    expect(await first).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await until(() => work.begun.length === 2);
    work.gate.open();
    expect(await second).toBe(1);
  });

  it('answers what waits when the server closes, and runs none of it', async () => {
    const { app, server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const running = rejectionOf((await occupy(server, client)).running);
    const waiting = rejectionOf(ask(client, 'held', { id: 1 }));
    await lastValueFrom(client.emit('held event', { id: 2 }));
    await lastValueFrom(client.emit('held event', { id: 3 }));
    await until(() => server.getStats().running === 4);
    await app.close();
    expect(await running).toMatchObject({ code: 'DISCONNECTED' });
    expect(await waiting).toMatchObject({ code: 'DISCONNECTED' });
    work.gate.open();
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(work.begun).toEqual([0, 2]);
  });

  it(`of ${MANY.toLocaleString('en')} that all fail is worked off in order`, { timeout: 60_000 }, async () => {
    const { server, endpoint } = await start({
      concurrency: { limit: 2 * MANY, stallTimeout: 600_000 },
      limits: { maxRequestsPerPeer: 2 * MANY, outboxSize: '256mb' },
      memoryBudget: '1gb',
    });
    const raw = new RawPeer(endpoint, { receiveHighWaterMark: 0 });
    await raw.hello();
    for (let id = 0; id < MANY; id += 1_000) {
      await raw.send(
        ...Array.from({ length: 1_000 }, (_, index) => requestPacket(id + index + 1, 'first held', { id: id + index })),
      );
    }
    await until(() => statsOf(server, 'first held').waiting === MANY - 1, 30_000);
    expect(work.begun).toEqual([0]);
    work.gate.open();
    let errors = 0;
    while (errors < MANY - 1) {
      errors += packetsOf(await raw.socket.receive()).filter(({ kind }) => kind === PacketKind.Error).length;
    }
    expect(work.begun).toEqual(Array.from({ length: MANY }, (_, id) => id));
    await until(() => server.getStats().running === 0);
    expect(statsOf(server, 'first held')).toMatchObject({ running: 0, waiting: 0, mostWaiting: MANY - 1 });
  });

  it('does not grow beyond its length by what has waited for a place of the server', async () => {
    const { server, endpoint } = await start({ concurrency: { limit: 3, stallTimeout: 600_000 } });
    const [first, second, json] = [new RawPeer(endpoint), new RawPeer(endpoint), new RawPeer(endpoint)];
    await first.hello();
    await second.hello();
    const fill = async (limit: number, waiter: () => Promise<void>) => {
      server.setLimits({ concurrency: limit, handlers: { held: { concurrency: { limit: 1, queue: 2 } } } });
      await waiter();
      // The handler has let it through, but the server has no place for it.
      await new Promise(resolve => setTimeout(resolve, 50));
      server.setLimits({ handlers: { held: { concurrency: { limit: 1, queue: 1 } } } });
      server.setLimits({ concurrency: limit + 1 });
    };
    await first.send(
      requestPacket(1, 'held', { id: 1 }),
      requestPacket(2, 'held', { id: 2 }),
      requestPacket(3, 'alone', { id: 3 }),
    );
    await until(() => server.getStats().running === 3);
    await fill(3, () => second.send(requestPacket(1, 'held', { id: 4 })));
    expect(await second.nextError()).toMatchObject({ id: 1, error: { code: 'OVERLOADED' } });
    await fill(3, () => json.sendFrames(Buffer.from('{"id":"a","pattern":"held","data":{"id":5}}')));
    expect(await json.nextJson()).toMatchObject({ id: 'a', err: { code: 'OVERLOADED' } });
    expect(statsOf(server, 'held')).toMatchObject({ running: 1, waiting: 1, mostWaiting: 1, refused: { overload: 2 } });
  });
});
