import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { ZmqContext, type ServerZmq, type ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { PacketKind } from '../../lib/wire/packet.js';
import { RawPeer, controlPacket, requestPacket } from '../support/raw-peer.js';
import { HAS_GATE, connectClient, createGate, elapsed, startApp, type Gate, until } from '../support/zmq-app.js';

let running = 0;
let mostRunning = 0;
let begun: string[] = [];
let gate: Gate;

async function work(name: string, wait: Promise<unknown>): Promise<void> {
  begun.push(name);
  running++;
  mostRunning = Math.max(mostRunning, running);
  await wait;
  running--;
}

@Controller()
class WorkController {
  @MessagePattern('work')
  async work(@Payload() ms: number): Promise<number> {
    await work('work', new Promise(resolve => setTimeout(resolve, ms)));
    return ms;
  }

  @EventPattern('work event')
  async event(@Payload() ms: number): Promise<void> {
    await work('event', new Promise(resolve => setTimeout(resolve, ms)));
  }

  @MessagePattern('hold')
  async hold(@Ctx() { signal }: ZmqContext): Promise<string> {
    const aborted = new Promise(resolve => signal.addEventListener('abort', resolve));
    await work('hold', Promise.race([gate.opened, aborted]));
    return 'held';
  }

  @MessagePattern('deaf')
  async deaf(): Promise<string> {
    await work('deaf', gate.opened);
    return 'done';
  }

  @MessagePattern('stream')
  async *stream(@Ctx() { signal }: ZmqContext): AsyncGenerator<number> {
    yield 1;
    await new Promise(resolve => signal.addEventListener('abort', resolve));
  }
}

async function start(options: ZmqServerOptions): Promise<{ server: ServerZmq; endpoint: string }> {
  running = 0;
  mostRunning = 0;
  begun = [];
  gate = createGate();
  return startApp([WorkController], { server: options });
}

describe('the concurrency limit', () => {
  it('is reached, never exceeded, and lets every request finish', async () => {
    const { server, endpoint } = await start({ concurrency: 4 });
    const clients = [await connectClient(endpoint), await connectClient(endpoint)];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        firstValueFrom((clients[index % 2] as (typeof clients)[0]).send<number>('work', 1 + (index % 5))),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 200 }, (_, index) => 1 + (index % 5)));
    expect(mostRunning).toBe(4);
    expect(server.getStats()).toMatchObject({ requests: 200, refused: 0, running: 0, heldBytes: 0 });
  });

  it('counts events and requests together', async () => {
    const { server, endpoint } = await start({ concurrency: 3 });
    const client = await connectClient(endpoint);
    const events = Array.from({ length: 60 }, () => firstValueFrom(client.emit('work event', 2)));
    const requests = Array.from({ length: 60 }, () => firstValueFrom(client.send('work', 2)));
    await Promise.all([...events, ...requests]);
    await until(() => server.getStats().running === 0 && begun.length === 120);
    expect(mostRunning).toBe(3);
  });

  it('holds for a peer in JSON mode as well', async () => {
    const { endpoint } = await start({ concurrency: 2 });
    const peer = new RawPeer(endpoint);
    const items = Array.from({ length: 20 }, (_, index) => ({ id: String(index), pattern: 'work', data: 3 }));
    await peer.sendFrames(Buffer.from(JSON.stringify(items)));
    const ids = new Set<unknown>();
    while (ids.size < 20) {
      ids.add((await peer.nextJson())['id']);
    }
    expect(mostRunning).toBe(2);
  });

  it('makes waiting requests wait as long as others finish', async () => {
    const { server, endpoint } = await start({ concurrency: { limit: 1, stallTimeout: 200 } });
    const client = await connectClient(endpoint);
    await Promise.all(Array.from({ length: 8 }, () => firstValueFrom(client.send('work', 60))));
    expect(server.getStats().refused).toBe(0);
    expect(mostRunning).toBe(1);
  });

  it('is not taken up by open streams', async () => {
    const { endpoint } = await start({ concurrency: 1 });
    const client = await connectClient(endpoint);
    const streams = [client.stream('stream', {}), client.stream('stream', {}), client.stream('stream', {})];
    for (const stream of streams) {
      expect(await stream.next()).toEqual({ value: 1, done: false });
    }
    expect(await firstValueFrom(client.send('work', 1))).toBe(1);
    for (const stream of streams) {
      await stream.return?.();
    }
  });

  it('is not freed by a cancel that the handler ignores', async () => {
    const { server, endpoint } = await start({ concurrency: { limit: 1, stallTimeout: 600_000 } });
    const client = await connectClient(endpoint);
    const cancelled = client.send('deaf', {}).subscribe();
    await until(() => begun.length === 1);
    cancelled.unsubscribe();
    await until(() => server.getStats().cancelled === 1);
    expect(server.getStats().running).toBe(1);
    const waiting = firstValueFrom(client.send('work', 1));
    await new Promise(resolve => setTimeout(resolve, 30));
    expect(begun).toEqual(['deaf']);
    gate.open();
    expect(await waiting).toBe(1);
    expect(mostRunning).toBe(1);
  });

  it('lets a stalled server refuse with OVERLOADED after stallTimeout, and a cancel free it', async () => {
    const { server, endpoint } = await start({ concurrency: { limit: 2, stallTimeout: 100 } });
    const client = await connectClient(endpoint);
    const held = [client.send('hold', {}).subscribe(), client.send('hold', {}).subscribe()];
    await until(() => begun.length === 2);
    const took = await elapsed(() =>
      expect(firstValueFrom(client.send('work', 1))).rejects.toMatchObject({ code: 'OVERLOADED', retryable: true }),
    );
    expect(took).toBeGreaterThan(80);
    expect(took).toBeLessThan(1_000);

    const atOnce = await elapsed(() =>
      expect(firstValueFrom(client.send('work', 1))).rejects.toMatchObject({ code: 'OVERLOADED' }),
    );
    expect(atOnce).toBeLessThan(80);
    await firstValueFrom(client.emit('work event', 1));
    await until(() => server.getStats().refused === 3);

    held[0]?.unsubscribe();
    await until(() => server.getStats().running === 1);
    expect(await firstValueFrom(client.send('work', 1))).toBe(1);
    expect(begun).toEqual(['hold', 'hold', 'work']);
    held[1]?.unsubscribe();
  });

  it('refuses what waited when the cancel that could free the place is behind it', async () => {
    const { endpoint } = await start({ concurrency: { limit: 1, stallTimeout: 100 } });
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(
      requestPacket(1, 'hold', {}),
      requestPacket(2, 'work', 1),
      controlPacket(PacketKind.Cancel, 1),
      requestPacket(3, 'nobody', 1),
    );
    expect(await peer.nextError()).toMatchObject({ id: 2, error: { code: 'OVERLOADED' } });
    expect(await peer.nextError()).toMatchObject({ id: 3, error: { code: 'NO_HANDLER' } });
    await peer.send(requestPacket(4, 'work', 1));
    expect((await peer.next(PacketKind.Response)).id).toBe(4);
  });

  it('does not begin what a client that has gone left waiting', async () => {
    const { server, endpoint } = await start({ concurrency: 1 });
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'hold', {}), requestPacket(2, 'work', 1));
    await until(() => begun.length === 1);
    peer.close();
    await until(() => server.getStats().peers === 0);
    const client = await connectClient(endpoint);
    expect(await firstValueFrom(client.send('work', 1))).toBe(1);
    expect(begun).toEqual(['hold', 'work']);
  });
});

describe('the memory budget', () => {
  it('pauses reading while the payloads of running handlers exceed it', async () => {
    const { server, endpoint } = await start({
      memoryBudget: '1mb',
      limits: { maxMessageSize: '512kb' },
      concurrency: { stallTimeout: 600_000 },
    });
    const client = await connectClient(endpoint);
    const payload = Buffer.alloc(300 * 1024);
    const answers = Array.from({ length: 12 }, () => firstValueFrom(client.send('deaf', payload)));
    // The budget is exceeded by the message that fills it, and by none after. The gate keeps half of it for messages
    // that are not complete, and leaves some of the rest to other addresses.
    const most = HAS_GATE ? 1 : 4;
    await until(() => begun.length === most);
    await new Promise(resolve => setTimeout(resolve, 30));
    expect(begun).toHaveLength(most);
    expect(server.getStats().heldBytes).toBe(most * payload.length);
    gate.open();
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 12 }, () => 'done'));
    expect(server.getStats().peakBytes).toBeLessThan(1.5 * 1024 * 1024);
    await until(() => server.getStats().heldBytes === 0);
  });
});
