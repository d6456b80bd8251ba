import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import {
  Concurrency,
  MaxMessageSize,
  RateLimit,
  ServerZmq,
  ZmqContext,
  ZmqEvents,
  ZmqLimits,
  ZmqModule,
  type ClientZmq,
  type ZmqLimitChange,
  type ZmqLimitChanges,
  type ZmqServerOptions,
} from 'nestjs-zeromq';
import { lastValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { PacketKind } from '../../../lib/wire/packet.js';
import { ENGINES, statsOf } from '../../support/places.js';
import { RawPeer, eventPacket, jsonOf, requestPacket } from '../../support/raw-peer.js';
import { ask, rejectionOf } from '../../support/rejection.js';
import { connectClient, createGate, elapsed, onCleanup, startApp, until, type Gate } from '../../support/zmq-app.js';

const KIBI = 1024;
let gate: Gate;
let begun: unknown[] = [];

@Controller()
class LimitedController {
  @MessagePattern('length')
  length(@Payload() data: unknown): number {
    return String(data).length;
  }

  @MessagePattern('small')
  @MaxMessageSize(100)
  small(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('reply')
  reply(@Payload() length: number): string {
    return 'x'.repeat(length);
  }

  @MessagePattern('rare')
  @RateLimit({ points: 10, duration: 600_000 })
  rare(): string {
    return 'done';
  }

  @MessagePattern('held')
  async held(@Payload() id: unknown, @Ctx() { signal }: ZmqContext): Promise<unknown> {
    begun.push(id);
    await Promise.race([gate.opened, new Promise(resolve => signal.addEventListener('abort', resolve))]);
    return id;
  }

  @MessagePattern('one')
  @Concurrency(1, { queue: 10 })
  async one(@Payload() id: unknown): Promise<unknown> {
    begun.push(id);
    await gate.opened;
    return id;
  }

  @MessagePattern('stream')
  async *stream(@Ctx() { signal }: ZmqContext): AsyncGenerator<number> {
    yield 1;
    await new Promise(resolve => signal.addEventListener('abort', resolve));
  }

  @EventPattern('noted')
  noted(@Payload() data: unknown): void {
    begun.push(data);
  }
}

beforeEach(() => {
  gate = createGate();
  begun = [];
});

async function startLimited(server: ZmqServerOptions) {
  const running = await startApp([LimitedController], {
    server: { drainTimeout: 50, ...server },
    imports: [ZmqModule.forRoot({ validation: false })],
  });
  const limits = running.app.get(ZmqLimits);
  const told: ZmqLimitChange[] = [];
  running.app.get(ZmqEvents).limitChanges.subscribe(change => told.push(change));
  return { ...running, limits, told };
}

const text = (bytes: number) => 'x'.repeat(bytes - 2);
const codeOf = async (client: ClientZmq, pattern: string, data: unknown) =>
  (await rejectionOf(ask(client, pattern, data))).code;
/** Clients hear of changes a moment later. */
const untilAnswered = async (client: ClientZmq, pattern: string, data: unknown) => {
  const end = performance.now() + 3_000;
  for (;;) {
    const [outcome] = await Promise.allSettled([ask(client, pattern, data)]);
    if (outcome.status === 'fulfilled' || performance.now() > end) {
      return outcome;
    }
    // What the client itself refuses fails before it has read anything.
    await new Promise(resolve => setImmediate(resolve));
  }
};

describe.each(ENGINES)('limits that are changed while a server with the engine %s runs', engine => {
  const start = (options: ZmqServerOptions = {}) => startLimited({ engine, ...options });

  it('let smaller and larger payloads through on connections that are there', async () => {
    const { limits, server, endpoint } = await start({ limits: { maxMessageSize: '600kb' } });
    const client = await connectClient(endpoint);
    const raw = new RawPeer(endpoint);
    await raw.hello();
    expect(await ask(client, 'length', text(500 * KIBI))).toBe(500 * KIBI - 2);

    limits.change({ limits: { maxMessageSize: '10kb' } });
    expect(await codeOf(client, 'length', text(20 * KIBI))).toBe('PAYLOAD_TOO_LARGE');
    await raw.send(requestPacket(1, 'length', text(20 * KIBI)));
    expect(await raw.nextError()).toMatchObject({
      id: 1,
      error: { code: 'PAYLOAD_TOO_LARGE', details: { limit: 10 * KIBI, actual: 20 * KIBI } },
    });
    await raw.send(requestPacket(2, 'reply', 20 * KIBI));
    expect(await raw.nextError()).toMatchObject({ id: 2, error: { code: 'RESPONSE_TOO_LARGE' } });

    limits.change({ limits: { maxMessageSize: '600kb' } });
    const larger = text(590 * KIBI);
    expect(await untilAnswered(client, 'length', larger)).toMatchObject({ value: larger.length });
    await raw.send(requestPacket(3, 'reply', 20 * KIBI));
    expect((await raw.next(PacketKind.Response)).id).toBe(3);
    expect(server.getStats().peers).toBe(2);
  });

  it('of a handler are told to the clients that are there, smaller and larger', async () => {
    const { limits, endpoint } = await start();
    const client = await connectClient(endpoint);
    const raw = new RawPeer(endpoint);
    await raw.hello();
    expect(await codeOf(client, 'small', text(200))).toBe('PAYLOAD_TOO_LARGE');

    limits.change({ handlers: { small: { maxMessageSize: 300 } } });
    expect(await untilAnswered(client, 'small', text(200))).toMatchObject({ value: 198 });
    expect(jsonOf(await raw.next(PacketKind.Welcome))).toMatchObject({ limits: { maxSizes: { small: 300 } } });

    limits.change({ handlers: { small: { maxMessageSize: 50 }, length: { maxMessageSize: '1kb' } } });
    expect(await codeOf(client, 'small', text(51))).toBe('PAYLOAD_TOO_LARGE');
    expect(await codeOf(client, 'length', text(2_000))).toBe('PAYLOAD_TOO_LARGE');
    expect(jsonOf(await raw.next(PacketKind.Welcome))).toMatchObject({
      limits: { maxSizes: { small: 50, length: KIBI } },
    });
    await raw.send(requestPacket(1, 'small', text(51)));
    expect(await raw.nextError()).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE', details: { limit: 50 } } });

    limits.change({ defaults: { maxMessageSize: 40 } });
    expect(limits.inForce.handlers).toMatchObject({
      small: { maxMessageSize: 50 },
      length: { maxMessageSize: KIBI },
      rare: { maxMessageSize: 40 },
    });
  });

  it('are not told again where nothing of them concerns clients', async () => {
    const { limits, endpoint } = await start();
    const raw = new RawPeer(endpoint);
    await raw.hello();
    limits.change({ concurrency: 7, limits: { maxDepth: 20 }, handlers: { rare: { priority: 'critical' } } });
    await raw.send(requestPacket(1, 'length', 'x'));
    expect((await raw.next()).kind).toBe(PacketKind.Response);
  });

  it('wake what waits for a place of the server, and of a handler', async () => {
    const { limits, server, endpoint } = await start({ concurrency: { limit: 1, stallTimeout: 600_000 } });
    const client = await connectClient(endpoint);
    const answers = [1, 2, 3].map(id => ask(client, 'held', id));
    await until(() => begun.length === 1);
    limits.change({ concurrency: { limit: 2 } });
    await until(() => begun.length === 2);
    limits.change({ concurrency: 1_000 });
    await until(() => begun.length === 3);
    expect(limits.inForce.concurrency).toEqual({ limit: 1_000, stallTimeout: 600_000 });

    const others = [4, 5, 6].map(id => ask(client, 'one', id));
    await until(() => statsOf(server, 'one').waiting === 2);
    limits.change({ handlers: { one: { concurrency: { limit: 2, queue: 1 } } } });
    await until(() => begun.length === 5);
    expect(await codeOf(client, 'one', 7)).toBe('OVERLOADED');
    gate.open();
    expect(await Promise.all([...answers, ...others])).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('wake what waits for memory', async () => {
    const { limits, server, endpoint } = await start({
      memoryBudget: '2mb',
      limits: { maxMessageSize: '1mb', eventWindow: '1mb', outboxSize: '1mb', streamBuffer: '1mb' },
      concurrency: { stallTimeout: 600_000 },
    });
    const client = await connectClient(endpoint);
    const payload = Buffer.alloc(900 * KIBI);
    const answers = Array.from({ length: 8 }, () => ask(client, 'held', payload));
    await until(() => begun.length > 0);
    await new Promise(resolve => setTimeout(resolve, 50));
    const before = begun.length;
    expect(before).toBeLessThan(8);
    limits.change({ memoryBudget: '64mb' });
    await until(() => begun.length === 8);
    expect(server.getStats().heldBytes).toBeGreaterThan(7 * payload.length);
    gate.open();
    await Promise.all(answers);
  });

  it('of a rate keep in proportion what each sender has used', async () => {
    const { limits, endpoint } = await start();
    const client = await connectClient(endpoint);
    for (let request = 0; request < 5; request++) {
      await ask(client, 'rare', request);
    }
    limits.change({ handlers: { rare: { rateLimit: { points: 100, duration: 600_000 } } } });
    for (let request = 0; request < 50; request++) {
      await ask(client, 'rare', request);
    }
    expect(await codeOf(client, 'rare', 1)).toBe('RATE_LIMITED');
    limits.change({ handlers: { rare: { rateLimit: [] } } });
    expect(await ask(client, 'rare', 1)).toBe('done');
    limits.change({ handlers: { rare: { rateLimit: { points: 1, duration: 600_000 } } } });
    expect(await ask(client, 'rare', 1)).toBe('done');
    expect(await codeOf(client, 'rare', 1)).toBe('RATE_LIMITED');
    limits.change({ handlers: { rare: { skipRateLimit: true } } });
    expect(await ask(client, 'rare', 1)).toBe('done');
  });

  it.each<[name: string, changes: ZmqLimitChanges, code: string, pattern: string, data: unknown]>([
    ['maxDepth', { limits: { maxDepth: 2 } }, 'MALFORMED', 'length', [[[['x']]]]],
    ['maxTokens', { limits: { maxTokens: 3 } }, 'MALFORMED', 'length', [1, 2, 3, 4, 5]],
    ['maxNumberLength', { limits: { maxNumberLength: 20 } }, 'MALFORMED', 'length', -1 / 3e200],
    ['maxPatternLength', { limits: { maxPatternLength: 4 } }, 'MALFORMED', 'length', 'x'],
    ['defaults.maxMessageSize', { defaults: { maxMessageSize: 10 } }, 'PAYLOAD_TOO_LARGE', 'length', text(11)],
    ['defaults.maxResponseSize', { defaults: { maxResponseSize: 64 } }, 'RESPONSE_TOO_LARGE', 'reply', 100],
    [
      'defaults.rateLimit',
      { defaults: { rateLimit: { bytes: 10, duration: 600_000 } } },
      'RATE_LIMITED',
      'length',
      text(11),
    ],
  ])('hold from the next request on: %s', async (_name, changes, code, pattern, data) => {
    const { limits, endpoint } = await start();
    const raw = new RawPeer(endpoint);
    await raw.hello();
    const number = requestPacket(2, pattern, data);
    await raw.send(requestPacket(1, pattern, data));
    expect((await raw.next(PacketKind.Response)).id).toBe(1);
    limits.change(changes);
    if (code === 'RATE_LIMITED') {
      // Of an unused burst any one message may be had.
      await raw.send(requestPacket(9, pattern, data));
      await raw.next(PacketKind.Response);
    }
    await raw.send(number);
    expect(await raw.nextError()).toMatchObject({ error: { code } });
  });

  it('hold from the next request on: maxRequestsPerPeer, maxStreams and maxPeers', async () => {
    const { limits, server, endpoint } = await start();
    const raw = new RawPeer(endpoint);
    await raw.hello();
    limits.change({ limits: { maxRequestsPerPeer: 1 } });
    await raw.send(requestPacket(1, 'held', 1), requestPacket(2, 'held', 2));
    expect(await raw.nextError()).toMatchObject({ id: 2, error: { code: 'OVERLOADED' } });
    limits.change({ limits: { maxRequestsPerPeer: 10, maxStreams: 1 } });
    await raw.send(requestPacket(3, 'stream', 1));
    await until(() => server.getStats().streams === 1);
    await raw.send(requestPacket(4, 'stream', 1));
    expect(await raw.nextError()).toMatchObject({ id: 4, error: { code: 'OVERLOADED' } });
    limits.change({ limits: { maxPeers: 1 } });
    const late = new RawPeer(endpoint);
    await late.hello().catch(() => undefined);
    expect(server.getStats().peers).toBe(1);
  }, 20_000);

  it('hold for events that are on the way: a larger window, and a smaller one', async () => {
    const { limits, endpoint } = await start({ limits: { eventWindow: '1kb' } });
    const client = await connectClient(endpoint);
    const raw = new RawPeer(endpoint);
    await raw.hello();
    // In the midst of events.
    const sent = Array.from({ length: 50 }, (_, id) => lastValueFrom(client.emit('noted', id)));
    limits.change({ limits: { eventWindow: '1mb' } });
    const more = Array.from({ length: 500 }, (_, id) => lastValueFrom(client.emit('noted', 50 + id)));
    await until(() => begun.length === 550);
    limits.change({ limits: { eventWindow: '1kb' } });
    const rest = Array.from({ length: 50 }, (_, id) => lastValueFrom(client.emit('noted', 550 + id)));
    await until(() => begun.length === 600);
    expect(begun).toEqual(Array.from({ length: 600 }, (_, id) => id));
    await Promise.all([...sent, ...more, ...rest]);
    await raw.send(eventPacket('noted', 'x'));
    expect((await raw.next(PacketKind.Credit)).amount).toBeGreaterThan(0);
  });

  it('hold for times: signs of life, leases and the drain at the end', async () => {
    const { app, limits, server, endpoint } = await start({ drainTimeout: 60_000 });
    const raw = new RawPeer(endpoint);
    await raw.hello();
    await raw.send(requestPacket(1, 'held', 1));
    await until(() => begun.length === 1);
    limits.change({ heartbeatInterval: 100 });
    await raw.next(PacketKind.Pong);
    limits.change({ leaseTimeout: 1_000 });
    await until(() => server.getStats().peers === 0, 8_000);
    const client = await connectClient(endpoint);
    const held = rejectionOf(ask(client, 'held', 2));
    await until(() => begun.length === 2);
    limits.change({ drainTimeout: 20 });
    expect(await elapsed(() => app.close())).toBeLessThan(3_000);
    expect(await held).toMatchObject({ code: 'DISCONNECTED' });
  }, 20_000);

  it.each<[string, unknown, RegExp]>([
    ['an unknown option', { limit: {} }, /'limit'.*limits, .*gate, listeners, defaults, handlers/],
    ['an unknown limit', { limits: { maxSize: 1 } }, /limits has no option 'maxSize'/],
    ['an option that is not live', { engine: 'zeromq' }, /'engine'/],
    ['an unknown gate option', { concurrency: 5, gate: { speed: 1 } }, /gate has no option 'speed'/],
    ['an unknown handler', { concurrency: 5, handlers: { nobody: {} } }, /handlers has 'nobody'/],
    ['an unknown limit of a handler', { handlers: { rare: { size: 1 } } }, /handlers\['rare'\].*'size'/],
    ['no object of handlers', { handlers: null }, /handlers must be an object/],
    ['no object', null, /must be an object/],
    ['a list', [], /must be an object/],
    ['text', 'all', /must be an object/],
    ['a limit out of bounds', { memoryBudget: '8mb', limits: { maxDepth: 0 } }, /limits\.maxDepth/],
    ['a message above the budget', { memoryBudget: '1mb', limits: { maxMessageSize: '2mb' } }, /must not exceed/],
    ['a lease shorter than the heartbeat', { leaseTimeout: 1_000, heartbeatInterval: 2_000 }, /leaseTimeout/],
    [
      'a handler above its server',
      { concurrency: 5, gate: { maxFrames: 7 }, handlers: { small: { maxMessageSize: '900mb' } } },
      /maxMessageSize of the handler of 'small'/,
    ],
    [
      'a server below its handler',
      { defaults: { maxMessageSize: '900kb' }, limits: { maxMessageSize: '800kb' } },
      /800|819200/,
    ],
    [
      'two rates of one name',
      {
        handlers: {
          rare: { rateLimit: { name: 'both', points: 1 } },
          small: { rateLimit: { name: 'both', points: 2 } },
        },
      },
      /named 'both' differ/,
    ],
    ['a shedding option out of bounds', { shedding: { heap: 2 } }, /shedding\.heap/],
  ])('change nothing at all where they are invalid: %s', async (_name, changes, message) => {
    const { limits, told } = await start();
    const before = limits.inForce;
    expect(() => limits.change(changes as ZmqLimitChanges)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) as string }),
    );
    expect([limits.inForce, told]).toEqual([before, []]);
  });

  it('are told with limit, old value, new value and who changed them', async () => {
    const { limits, told } = await start();
    limits.change(
      {
        concurrency: 9,
        limits: { maxDepth: 32 },
        gate: { maxFrames: 7 },
        handlers: { small: { maxMessageSize: 200 } },
      },
      'an operator',
    );
    expect(told.map(({ limit, from, to, by }) => [limit, from, to, by])).toEqual([
      ['concurrency.limit', 1_024, 9, 'an operator'],
      ['gate.maxFrames', 16, 7, 'an operator'],
      ['handlers.small.maxMessageSize', 100, 200, 'an operator'],
    ]);
    expect(told[0]?.at).toBeInstanceOf(Date);
  });

  it('are told to nobody after the application has closed, and leave nothing behind', async () => {
    const { app, limits, told, server, endpoint } = await start();
    await ask(await connectClient(endpoint), 'length', 'x');
    await app.close();
    limits.change({ concurrency: 9, shedding: { interval: 50 }, limits: { maxDepth: 5 } });
    expect([told, limits.inForce.concurrency.limit]).toEqual([[], 9]);
    expect(server.getStats()).toMatchObject({ running: 0, peers: 0, heldBytes: 0 });
  });

  it('hold when the server is started anew', async () => {
    const { limits, server } = await start();
    limits.change({ handlers: { small: { maxMessageSize: 200 } }, defaults: { maxMessageSize: '1kb' } });
    await server.close();
    await new Promise<void>((resolve, reject) => {
      server.listen(error => (error === undefined ? resolve() : reject(error as Error)));
    });
    const client = await connectClient(server.endpoints[0] as string);
    expect(await ask(client, 'small', text(200))).toBe(198);
    expect(await codeOf(client, 'length', text(1_025))).toBe('PAYLOAD_TOO_LARGE');
  });

  it('are changed in all servers of an application, or in none', async () => {
    class TwoServersModule {}
    Module({ controllers: [LimitedController], imports: [ZmqModule.forRoot({ validation: false })] })(TwoServersModule);
    const app = await NestFactory.create(TwoServersModule, { logger: false });
    onCleanup(() => app.close());
    const bind = 'tcp://127.0.0.1:*';
    const first = new ServerZmq({ bind, engine });
    const second = new ServerZmq({ bind, engine, limits: { maxMessageSize: '10kb' } });
    app.connectMicroservice({ strategy: first });
    app.connectMicroservice({ strategy: second });
    await app.startAllMicroservices();
    const limits = app.get(ZmqLimits);
    const told: ZmqLimitChange[] = [];
    app.get(ZmqEvents).limitChanges.subscribe(change => told.push(change));
    const before = [first.limits, second.limits];
    // More than the second one lets through.
    const changes: ZmqLimitChanges = { concurrency: 9, handlers: { small: { maxMessageSize: '20kb' } } };
    expect(() => limits.change(changes)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect([[first.limits, second.limits], told]).toEqual([before, []]);
    limits.change({ concurrency: 9, handlers: { small: { maxMessageSize: '5kb' } } });
    expect([first, second].map(server => server.limits.handlers['small']?.maxMessageSize)).toEqual([5_120, 5_120]);
    expect(told).toHaveLength(4);
    for (const server of [first, second]) {
      const client = await connectClient(server.endpoints[0] as string);
      expect(await ask(client, 'small', text(5_000))).toBe(4_998);
    }
  });
});

describe('limits that are changed while the gate runs', () => {
  const start = (options: ZmqServerOptions = {}) => startLimited({ engine: 'gate', ...options });

  it('let through more than at the start', async () => {
    const { limits, server, endpoint } = await start({ limits: { maxMessageSize: '10kb' } });
    const client = await connectClient(endpoint);
    const large = text(2_000 * KIBI);
    expect(await codeOf(client, 'length', large)).toBe('PAYLOAD_TOO_LARGE');
    limits.change({ limits: { maxMessageSize: '2mb' } });
    expect(await untilAnswered(client, 'length', large)).toMatchObject({ value: large.length });
    expect(await ask(client, 'reply', 1_000 * KIBI)).toHaveLength(1_000 * KIBI);
    expect(server.getStats()).toMatchObject({ peers: 1, connections: 1, violations: 0 });
  });

  it('of the gate hold for connections that are there', async () => {
    const { limits, server, endpoint } = await start();
    const kinds = new Set<string>();
    server.on('violation', ({ kind }) => kinds.add(kind));
    const client = await connectClient(endpoint);
    const raw = new RawPeer(endpoint);
    await raw.hello();
    limits.change({ gate: { rate: { messages: 5 }, maxConnections: 2, maxFrames: 2 } });
    const time = await elapsed(async () => {
      for (let id = 0; id < 10; id++) {
        await ask(client, 'length', 'x');
      }
    });
    expect(time).toBeGreaterThan(600);
    const late = new RawPeer(endpoint);
    await late.send(requestPacket(1, 'length', 'x'));
    await until(() => kinds.has('connections'));
    await raw.sendFrames(Buffer.alloc(1), Buffer.alloc(1), Buffer.alloc(1));
    await until(() => kinds.has('too-many-frames'));
    expect(limits.inForce.gate).toMatchObject({ rate: { messages: 5 }, maxConnections: 2, maxFrames: 2 });
  });
});

describe('limits that are changed while libzmq serves', () => {
  it('cannot let through more than libzmq was told at the start', async () => {
    const { limits, endpoint } = await startLimited({ engine: 'zeromq', limits: { maxMessageSize: '10kb' } });
    expect(() => limits.change({ limits: { maxMessageSize: '2mb' } })).toThrow(/limits\.maxMessageSize \(2097152\)/);
    expect(limits.inForce.limits.maxMessageSize).toBe(10 * KIBI);
    expect(await ask(await connectClient(endpoint), 'length', 'x')).toBe(1);
  });
});
