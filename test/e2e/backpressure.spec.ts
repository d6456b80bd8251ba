import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { ZmqContext, type ClientZmq, type ServerZmq, type ZmqClientLimits, type ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { PacketKind } from '../../lib/wire/packet.js';
import { RawPeer, RawServer, WELCOME, batchOf, controlPacket, requestPacket } from '../support/raw-peer.js';
import { connectClient, createClient, createGate, elapsed, startApp, until, type Gate } from '../support/zmq-app.js';

let received: number[] = [];
let ended = 0;
let produced = 0;
let gate: Gate;

@Controller()
class LoadController {
  @MessagePattern('hold')
  async hold(@Ctx() { signal }: ZmqContext): Promise<string> {
    await Promise.race([gate.opened, new Promise(resolve => signal.addEventListener('abort', resolve))]);
    return 'held';
  }

  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('big')
  big(@Payload() size: number): Buffer {
    return Buffer.alloc(size);
  }

  @MessagePattern('big stream')
  async *bigStream(@Payload() size: number): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        produced++;
        yield Buffer.alloc(size);
      }
    } finally {
      ended++;
    }
  }

  @EventPattern('reading')
  reading(@Payload() { index }: { index: number }): void {
    received.push(index);
  }

  @EventPattern('slow reading')
  async slowReading(@Payload() { index }: { index: number }): Promise<void> {
    received.push(index);
    await gate.opened;
  }
}

async function start(options: ZmqServerOptions = {}): Promise<{ server: ServerZmq; endpoint: string }> {
  received = [];
  ended = 0;
  produced = 0;
  gate = createGate();
  return startApp([LoadController], { server: options });
}

/** Sends so many at once; counts the outcomes by code. */
async function outcomesOf(count: number, send: (index: number) => Promise<unknown>): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {};
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const code = await send(index).then(
        () => 'ok',
        (error: { code: string }) => error.code,
      );
      outcomes[code] = (outcomes[code] ?? 0) + 1;
    }),
  );
  return outcomes;
}

describe('a client under pressure', () => {
  async function connected(limits: ZmqClientLimits): Promise<ClientZmq> {
    const { endpoint } = await start();
    return connectClient(endpoint, { limits });
  }

  it('refuses a request above maxPending with BACKPRESSURE at once', async () => {
    const client = await connected({ maxPending: 3 });
    const held = Array.from({ length: 3 }, () => client.send('hold', {}).subscribe({ error: () => undefined }));
    const took = await elapsed(() =>
      expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({
        code: 'BACKPRESSURE',
        retryable: true,
        details: { limit: 3 },
      }),
    );
    expect(took).toBeLessThan(50);
    held[0]?.unsubscribe();
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
    gate.open();
  });

  it('refuses above outboxMessages with BACKPRESSURE at once', async () => {
    const client = await connected({ outboxMessages: 5 });
    expect(await outcomesOf(8, index => firstValueFrom(client.send('echo', index)))).toEqual({
      ok: 5,
      BACKPRESSURE: 3,
    });
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
  });

  it('refuses above outboxSize with BACKPRESSURE at once, but takes a single larger message', async () => {
    const client = await connected({ outboxSize: '1kb' });
    const text = 'x'.repeat(600);
    expect(await outcomesOf(3, () => firstValueFrom(client.send('echo', text)))).toEqual({ ok: 1, BACKPRESSURE: 2 });
    const large = 'x'.repeat(10_000);
    expect(await firstValueFrom(client.send('echo', large))).toBe(large);
  });

  it('keeps no more than outboxMessages while it has no connection', async () => {
    const client = createClient('tcp://127.0.0.1:9', { connectTimeout: 200, limits: { outboxMessages: 5 } });
    const failed: string[] = [];
    client.on('eventFailed', (_pattern, { code }) => failed.push(code));
    expect(await outcomesOf(8, index => firstValueFrom(client.emit('reading', { index })))).toEqual({
      BACKPRESSURE: 3,
      DISCONNECTED: 5,
    });
    expect(failed).toHaveLength(8);
  });

  it('tells every event of a flood apart: arrived or refused with BACKPRESSURE', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint, { limits: { outboxSize: '256kb' } });
    const { ok = 0, BACKPRESSURE: refused = 0 } = await outcomesOf(20_000, index =>
      firstValueFrom(client.emit('reading', { index })),
    );
    expect(ok + refused).toBe(20_000);
    expect(refused).toBeGreaterThan(0);
    await until(() => received.length === ok);
    expect(server.getStats()).toMatchObject({ events: ok, refused: 0 });
  });

  it('delivers every event in order when each is awaited', async () => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint, { limits: { outboxMessages: 1 } });
    for (let index = 0; index < 2_000; index++) {
      await firstValueFrom(client.emit('reading', { index }));
    }
    await until(() => received.length === 2_000);
    expect(received.every((value, index) => value === index)).toBe(true);
  });

  it('sends no more events than eventWindow while none is handled', async () => {
    const { server, endpoint } = await start({ limits: { eventWindow: '64kb' } });
    const client = await connectClient(endpoint, { limits: { outboxSize: '128kb' } });
    const EVENT_COST = JSON.stringify({ index: 0, text: 'x'.repeat(1_000) }).length + 256;
    const outcomes = outcomesOf(400, index =>
      firstValueFrom(client.emit('slow reading', { index, text: 'x'.repeat(1_000) })),
    );
    await until(() => received.length > 0);
    await new Promise(resolve => setTimeout(resolve, 50));
    // The event that uses the window up may go beyond it.
    expect(received.length * EVENT_COST).toBeLessThanOrEqual(64 * 1024 + EVENT_COST);
    // What has been decoded costs about twice what was sent.
    expect(server.getStats().heldBytes).toBeLessThanOrEqual(2.5 * 64 * 1024);
    gate.open();
    const { ok = 0, BACKPRESSURE: refused = 0 } = await outcomes;
    expect(ok + refused).toBe(400);
    expect(refused).toBeGreaterThan(0);
    await until(() => received.length === ok);
  });

  it('moves millions of bytes of events through a small eventWindow', async () => {
    const { server, endpoint } = await start({ limits: { eventWindow: '16kb' } });
    const client = await connectClient(endpoint);
    const text = 'x'.repeat(2_000);
    expect(await outcomesOf(3_000, index => firstValueFrom(client.emit('reading', { index, text })))).toEqual({
      ok: 3_000,
    });
    await until(() => received.length === 3_000);
    expect(received.every((value, index) => value === index)).toBe(true);
    expect(server.getStats().peakBytes).toBeLessThan(64 * 1024);
    await until(() => server.getStats().heldBytes === 0);
  });

  it('refuses with BACKPRESSURE when the server takes nothing more', async () => {
    const server = await new RawServer(packets =>
      packets.some(({ kind }) => kind === PacketKind.Hello)
        ? [[batchOf(controlPacket(PacketKind.Welcome, 0, WELCOME))]]
        : [],
    ).open();
    const client = await connectClient(server.endpoint, { limits: { outboxSize: '512kb' }, timeout: 500 });
    const text = 'x'.repeat(50_000);
    const outcomes = await outcomesOf(200, index => firstValueFrom(client.emit('reading', { index, text })));
    expect(outcomes['BACKPRESSURE']).toBeGreaterThan(150);
  });
});

describe('a peer that takes no replies', () => {
  const options: ZmqServerOptions = {
    stallTimeout: 300,
    limits: { outboxSize: '2mb' },
    socket: { sendHighWaterMark: 2 },
  };

  it('is given up within stallTimeout, in bounded memory, while others are served', async () => {
    const { server, endpoint } = await start(options);
    const departures: string[] = [];
    let undelivered = 0;
    server.on('peerDisconnected', (_peer, reason) => departures.push(reason));
    server.on('undelivered', (_peer, count) => {
      undelivered += count;
    });
    const other = await connectClient(endpoint);
    const peer = new RawPeer(endpoint, { receiveHighWaterMark: 1 });
    await peer.hello();
    const begin = performance.now();
    // The gate stops reading from such a peer, so that sending comes to a halt as well.
    const flood = (async () => {
      for (let id = 1; departures.length === 0; id++) {
        await peer.send(requestPacket(id, 'big', 500_000));
        await new Promise(resolve => setTimeout(resolve, 1));
      }
    })().catch(() => undefined);
    await until(() => server.getStats().heldBytes > 1_000_000);
    expect(await elapsed(() => firstValueFrom(other.send('echo', 1)))).toBeLessThan(200);
    await until(() => departures.length === 1);
    expect(performance.now() - begin).toBeLessThan(300 + 2_500);
    peer.close();
    await flood;
    expect(departures).toEqual(['stalled']);
    expect(undelivered).toBeGreaterThan(0);
    // What waits is charged twice, and the last reply goes beyond the outbox.
    expect(server.getStats().peakBytes).toBeLessThan(2 * (2 * 1024 * 1024 + 500_000));
    expect(await firstValueFrom(other.send('echo', 2))).toBe(2);
    await until(() => server.getStats().heldBytes === 0 && server.getStats().running === 0);
  });

  it('holds a generator back and then has it ended', async () => {
    const { server, endpoint } = await start(options);
    const peer = new RawPeer(endpoint, { receiveHighWaterMark: 1 });
    await peer.hello();
    await peer.send(requestPacket(1, 'big stream', 100_000));
    await until(() => produced > 0);
    await until(() => ended === 1);
    expect(produced).toBeLessThan(500);
    expect(server.getStats().peakBytes).toBeLessThan(2 * 1024 * 1024);
    await until(() => server.getStats().heldBytes === 0 && server.getStats().streams === 0);
  });

  it('is kept as long as it takes something now and then', async () => {
    const { server, endpoint } = await start({ ...options, stallTimeout: 1_500 });
    const peer = new RawPeer(endpoint, { receiveHighWaterMark: 1 });
    await peer.hello();
    const COUNT = 40;
    await peer.send(...Array.from({ length: 4 }, (_, index) => requestPacket(index + 1, 'big', 500_000)));
    for (let answered = 0; answered < COUNT; answered++) {
      await peer.next(PacketKind.Response);
      await new Promise(resolve => setTimeout(resolve, 20));
      await peer.send(requestPacket(answered + 5, 'big', 500_000));
    }
    expect(server.getStats()).toMatchObject({ peers: 1, undelivered: 0 });
  });
});
