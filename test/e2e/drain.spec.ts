import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { ZmqContext, type ServerZmq, type ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom, interval, lastValueFrom, map, take, toArray, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { PacketKind } from '../../lib/wire/packet.js';
import { RawPeer, controlPacket, requestPacket } from '../support/raw-peer.js';
import { connectClient, createClient, createGate, elapsed, startApp, until, type Gate } from '../support/zmq-app.js';

let begun = 0;
let events = 0;
let reasons: unknown[] = [];
let gate: Gate;

@Controller()
class SlowController {
  @MessagePattern('work')
  async work(@Payload() ms: number): Promise<number> {
    begun++;
    await new Promise(resolve => setTimeout(resolve, ms));
    return ms;
  }

  @MessagePattern('hold')
  async hold(@Ctx() { signal }: ZmqContext): Promise<string> {
    begun++;
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    await Promise.race([gate.opened, new Promise(resolve => signal.addEventListener('abort', resolve))]);
    return 'held';
  }

  @EventPattern('slow event')
  async event(@Payload() _data: unknown): Promise<void> {
    begun++;
    await gate.opened;
    events++;
  }

  @MessagePattern('ticks')
  ticks(@Payload() count: number): Observable<number> {
    return interval(5).pipe(take(count));
  }

  @MessagePattern('endless')
  async *endless(@Ctx() { signal }: ZmqContext): AsyncGenerator<number> {
    try {
      yield 1;
      await new Promise(resolve => signal.addEventListener('abort', resolve));
    } finally {
      reasons.push(signal.reason);
    }
  }
}

function start(options: ZmqServerOptions = {}): ReturnType<typeof startApp> {
  return startApp([SlowController], { server: options });
}

function isRunning(server: ServerZmq): () => boolean {
  return () => server.getStats().running > 0;
}

describe('closing a server', () => {
  beforeEach(() => {
    begun = 0;
    events = 0;
    reasons = [];
    gate = createGate();
  });

  it('lets running handlers finish and their replies arrive', async () => {
    const { app, server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const answers = Array.from({ length: 50 }, (_, index) => firstValueFrom(client.send<number>('work', 50 + index)));
    await until(() => begun === 50);
    await app.close();
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, index) => 50 + index));
    expect(server.getStats()).toMatchObject({ running: 0, undelivered: 0 });
  });

  it('lets event handlers finish', async () => {
    const { app, server, endpoint } = await start();
    const client = await connectClient(endpoint);
    await firstValueFrom(client.emit('slow event', {}));
    await until(isRunning(server));
    const closed = app.close();
    gate.open();
    await closed;
    expect(events).toBe(1);
  });

  it('loses no request of a client that has another endpoint', async () => {
    const [first, second] = [await start(), await start()];
    const client = await connectClient([first.endpoint, second.endpoint], { timeout: 5_000 });
    await until(() => first.server.getStats().peers + second.server.getStats().peers === 2);
    const outcomes: Promise<unknown>[] = [];
    let sending = true;
    const sender = (async () => {
      while (sending) {
        for (let index = 0; index < 20; index++) {
          outcomes.push(firstValueFrom(client.send<number>('work', 5)));
        }
        await new Promise(resolve => setTimeout(resolve, 2));
      }
    })();
    await until(() => first.server.getStats().requests > 100 && second.server.getStats().requests > 100);
    await first.app.close();
    const servedBySecond = second.server.getStats().requests;
    await until(() => second.server.getStats().requests > servedBySecond + 100);
    sending = false;
    await sender;
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set([5]));
    expect(first.server.getStats().requests + second.server.getStats().requests).toBe(outcomes.length);
  });

  it('tells clients, which announce it', async () => {
    const { app, endpoint } = await start();
    const client = await connectClient(endpoint);
    const announced: string[] = [];
    client.on('draining', address => announced.push(address));
    await app.close();
    expect(announced).toEqual([endpoint]);
  });

  it('keeps what is sent meanwhile for the server that takes its place', async () => {
    const { app, server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const running = firstValueFrom(client.send<number>('work', 100));
    await until(isRunning(server));
    const closed = app.close();
    await new Promise(resolve => setTimeout(resolve, 20));
    const waiting = firstValueFrom(client.send<number>('work', 1));
    const event = firstValueFrom(client.emit('slow event', {}), { defaultValue: undefined });
    expect(await running).toBe(100);
    await closed;
    expect(server.getStats().requests).toBe(1);
    gate.open();
    const next = await start({ bind: endpoint });
    expect(await waiting).toBe(1);
    await event;
    await until(() => events === 1);
    expect(next.server.getStats()).toMatchObject({ requests: 1, events: 1 });
  });

  it('cuts what runs longer than drainTimeout with DISCONNECTED', async () => {
    const { app, server, endpoint } = await start({ drainTimeout: 100 });
    const client = await connectClient(endpoint);
    const outcome = firstValueFrom(client.send('hold', {})).catch((error: unknown) => error);
    await until(() => begun === 1);
    const took = await elapsed(() => app.close());
    expect(took).toBeGreaterThan(90);
    expect(took).toBeLessThan(600);
    expect(await outcome).toMatchObject({ code: 'DISCONNECTED', retryable: true });
    expect(reasons).toMatchObject([{ code: 'DISCONNECTED' }]);
    expect(server.getStats()).toMatchObject({ running: 0, heldBytes: 0 });
  });

  it('lets streams run to their end within drainTimeout', async () => {
    const { app, server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const values = lastValueFrom(client.send<number>('ticks', 30).pipe(toArray()));
    await until(() => server.getStats().streams === 1);
    await app.close();
    expect(await values).toEqual(Array.from({ length: 30 }, (_, index) => index));
  });

  it('cuts a stream that does not end, after its values', async () => {
    const { app, server, endpoint } = await start({ drainTimeout: 100 });
    const client = await connectClient(endpoint);
    const values: number[] = [];
    const outcome = lastValueFrom(client.send<number>('endless', {}).pipe(map(value => values.push(value)))).catch(
      (error: unknown) => error,
    );
    await until(() => server.getStats().streams === 1);
    await app.close();
    expect(await outcome).toMatchObject({ code: 'DISCONNECTED' });
    expect(values).toEqual([1]);
    expect(reasons).toMatchObject([{ code: 'DISCONNECTED' }]);
  });

  it('still takes cancels while it drains', async () => {
    const { app, server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const subscription = client.send('hold', {}).subscribe();
    await until(isRunning(server));
    const closed = app.close();
    await new Promise(resolve => setTimeout(resolve, 20));
    subscription.unsubscribe();
    expect(await elapsed(() => closed)).toBeLessThan(1_000);
    expect(reasons).toMatchObject([{ code: 'CANCELLED' }]);
  });

  it('returns requests unbegun to a client that sends them all the same', async () => {
    const { app, server, endpoint } = await start();
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'hold', {}));
    await until(isRunning(server));
    const closed = app.close();
    expect((await peer.next(PacketKind.Goaway)).id).toBe(0);
    await peer.send(requestPacket(2, 'work', 1));
    expect((await peer.next(PacketKind.Goaway)).id).toBe(2);
    await peer.send(controlPacket(PacketKind.Goaway));
    gate.open();
    expect(await peer.next(PacketKind.Response)).toMatchObject({ id: 1, last: true });
    expect((await peer.next(PacketKind.Ping)).id).toBe(1);
    await peer.send(controlPacket(PacketKind.Pong, 1));
    expect(await elapsed(() => closed)).toBeLessThan(500);
    expect(begun).toBe(1);
  });

  it('refuses requests in JSON mode and new clients meanwhile', async () => {
    const { app, server, endpoint } = await start();
    const [peer, json, late] = [new RawPeer(endpoint), new RawPeer(endpoint), new RawPeer(endpoint)];
    await peer.hello();
    await peer.send(requestPacket(1, 'hold', {}));
    await json.sendFrames(Buffer.from('{"id":"a","pattern":"work","data":1}'));
    expect(await json.nextJson()).toEqual({ id: 'a', response: 1, isDisposed: true });
    await until(isRunning(server));
    const closed = app.close();
    expect((await peer.next(PacketKind.Goaway)).id).toBe(0);
    await json.sendFrames(Buffer.from('{"id":"b","pattern":"work","data":1}'));
    expect(await json.nextJson()).toMatchObject({ id: 'b', err: { code: 'OVERLOADED' } });
    await late.send(controlPacket(PacketKind.Hello, 0, { version: 1, limits: { maxMessageSize: 1024 } }));
    expect((await late.next()).kind).toBe(PacketKind.Goaway);
    await peer.send(controlPacket(PacketKind.Goaway));
    gate.open();
    await peer.next(PacketKind.Ping);
    await peer.send(controlPacket(PacketKind.Pong, 1));
    await closed;
  });

  it('is fast when nobody is connected', async () => {
    const { app } = await start();
    expect(await elapsed(() => app.close())).toBeLessThan(300);
  });

  it('is fast when clients are idle, gone or never said hello', async () => {
    const { app, endpoint } = await start();
    await connectClient(endpoint);
    const gone = await connectClient(endpoint);
    const mute = new RawPeer(endpoint);
    await mute.sendFrames(Buffer.from('{"id":"a","pattern":"work","data":1}'));
    await mute.nextJson();
    await gone.close();
    expect(await elapsed(() => app.close())).toBeLessThan(300);
  });

  it('frees the address at once, again and again', async () => {
    const { app, endpoint } = await start();
    await app.close();
    for (let round = 0; round < 5; round++) {
      const next = await start({ bind: endpoint });
      const client = createClient(endpoint);
      expect(await firstValueFrom(client.send('work', 1))).toBe(1);
      await next.app.close();
      await client.close();
    }
  });

  it('may be asked for twice, also at the same time', async () => {
    const { server, endpoint } = await start();
    const client = await connectClient(endpoint);
    const running = firstValueFrom(client.send('work', 50));
    await until(isRunning(server));
    await Promise.all([server.close(), server.close()]);
    expect(await running).toBe(50);
    await server.close();
    expect(server.endpoints).toEqual([]);
  });
});
