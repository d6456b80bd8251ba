import { Controller } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { ZmqException, ZmqRecordBuilder, type ClientZmq, type ZmqClientOptions } from 'nestjs-zeromq';
import { firstValueFrom, type Subscription } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { OutgoingPacket, PacketKind, type IncomingPacket } from '../../lib/wire/packet.js';
import { encodePayload } from '../../lib/wire/payload-codec.js';
import { EchoController, refuseUnhandledRejections } from '../support/echo-app.js';
import { batchOf, controlPacket, RawServer, WELCOME } from '../support/raw-peer.js';
import { connectClient, createClient, createGate, elapsed, startApp, until } from '../support/zmq-app.js';

interface Ask {
  readonly key: string;
  /** Calls that are refused. */
  readonly times: number;
  readonly code?: string;
  readonly retryAfterMs?: unknown;
}

/** Calls by key. */
let calls: Record<string, number> = {};

function refuseSome({ key, times, code = 'RATE_LIMITED', retryAfterMs }: Ask): void {
  const count = (calls[key] = (calls[key] ?? 0) + 1);
  if (count <= times) {
    throw new RpcException({
      code,
      message: 'Not now.',
      ...(retryAfterMs !== undefined && { details: { retryAfterMs } }),
    });
  }
}

@Controller()
class BusyController {
  @MessagePattern('busy')
  busy(@Payload() ask: Ask): string {
    refuseSome(ask);
    return `call ${calls[ask.key]}`;
  }

  @MessagePattern('busy stream')
  async *busyStream(@Payload() ask: Ask): AsyncGenerator<number> {
    refuseSome(ask);
    yield 1;
    yield 2;
  }

  @MessagePattern('failing stream')
  async *failingStream(@Payload() ask: Ask): AsyncGenerator<number> {
    yield 1;
    refuseSome(ask);
  }
}

type Told = [pattern: string, attempt: number, delayMs: number, code: string];

/** A client of a real server, and what it tells of its retries. */
async function connected(options: ZmqClientOptions = {}): Promise<{ client: ClientZmq; told: Told[] }> {
  const { endpoint } = await startApp([BusyController]);
  return watched(await connectClient(endpoint, options));
}

function watched(client: ClientZmq): { client: ClientZmq; told: Told[] } {
  const told: Told[] = [];
  client.on('retry', (...args) => told.push(args));
  return { client, told };
}

function ask(client: ClientZmq, data: Ask, pattern = 'busy'): Promise<unknown> {
  return firstValueFrom(client.send(pattern, data));
}

function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    value => ({ value }),
    (error: ZmqException) => error.code,
  );
}

refuseUnhandledRejections();

beforeEach(() => {
  calls = {};
});

describe('a client with retry', () => {
  it('sends a refused request again after the time that the server names', async () => {
    const { client, told } = await connected({ retry: 1 });
    const took = await elapsed(async () => {
      expect(await ask(client, { key: 'a', times: 1, retryAfterMs: 120 })).toBe('call 2');
    });
    expect(took).toBeGreaterThanOrEqual(119);
    expect(told).toEqual([['busy', 1, 120, 'RATE_LIMITED']]);
  });

  it('sends it again after growing delays where the server names none', async () => {
    const { client, told } = await connected({ retry: { minDelay: 40 } });
    const took = await elapsed(async () => {
      expect(await ask(client, { key: 'a', times: 3, code: 'OVERLOADED' })).toBe('call 4');
    });
    expect(told.map(([, attempt, , code]) => [attempt, code])).toEqual([
      [1, 'OVERLOADED'],
      [2, 'OVERLOADED'],
      [3, 'OVERLOADED'],
    ]);
    for (const [index, [, , delay]] of told.entries()) {
      expect(delay).toBeGreaterThanOrEqual(20 * 2 ** index);
      expect(delay).toBeLessThanOrEqual(40 * 2 ** index);
    }
    expect(took).toBeGreaterThanOrEqual(20 + 40 + 80 - 1);
  });

  it('fails with the last refusal once the attempts are used up', async () => {
    const { client, told } = await connected({ retry: 2 });
    await expect(ask(client, { key: 'a', times: 9, retryAfterMs: 5 })).rejects.toMatchObject({
      name: 'ZmqException',
      code: 'RATE_LIMITED',
      message: 'Not now.',
      details: { retryAfterMs: 5 },
      retryable: true,
    });
    expect([calls['a'], told.length]).toEqual([3, 2]);
  });

  it('fails at once when the server names a time above maxDelay', async () => {
    const { client, told } = await connected({ retry: { maxDelay: 200 } });
    expect(await codeOf(ask(client, { key: 'a', times: 1, retryAfterMs: 201 }))).toBe('RATE_LIMITED');
    expect([calls['a'], told]).toEqual([1, []]);
  });

  it('keeps to the deadline of the request with all attempts, and fails with the last refusal', async () => {
    const { client, told } = await connected({ retry: 100, timeout: 1_000 });
    const took = await elapsed(async () => {
      expect(await codeOf(ask(client, { key: 'a', times: 99, retryAfterMs: 600 }))).toBe('RATE_LIMITED');
    });
    expect(took).toBeLessThan(1_000);
    expect([told.length, calls['a']]).toEqual([1, 2]);
  });

  it.each(['VALIDATION_FAILED', 'BACKPRESSURE', 'DISCONNECTED', 'DEADLINE_EXCEEDED', 'MY_OWN'])(
    'does not send a request again after %s of the server',
    async code => {
      const { client, told } = await connected({ retry: 3 });
      expect(await codeOf(ask(client, { key: 'a', times: 1, code, retryAfterMs: 1 }))).toBe(code);
      expect([calls['a'], told]).toEqual([1, []]);
    },
  );

  it('does not exist unless it is asked for', async () => {
    const { client, told } = await connected();
    expect(await codeOf(ask(client, { key: 'a', times: 1, retryAfterMs: 1 }))).toBe('RATE_LIMITED');
    expect([calls['a'], told]).toEqual([1, []]);
  });

  it('can be asked for, or not, for one call', async () => {
    const record = (key: string, retry: number | false) =>
      new ZmqRecordBuilder<Ask>({ key, times: 2, retryAfterMs: 1 }).setRetry(retry).build();
    const without = await connected();
    expect(await firstValueFrom(without.client.send('busy', record('a', 2)))).toBe('call 3');
    const { client } = await connected({ retry: 5 });
    expect(await codeOf(firstValueFrom(client.send('busy', record('b', false))))).toBe('RATE_LIMITED');
    expect(await codeOf(firstValueFrom(client.send('busy', record('c', 1))))).toBe('RATE_LIMITED');
    expect(calls).toEqual({ a: 3, b: 1, c: 2 });
  });

  it('begins a stream anew that has not delivered a value, and none that has', async () => {
    const { client, told } = await connected({ retry: 3 });
    const values: number[] = [];
    for await (const value of client.stream<number>('busy stream', { key: 'a', times: 2, retryAfterMs: 1 })) {
      values.push(value);
    }
    expect([values, calls['a'], told.length]).toEqual([[1, 2], 3, 2]);
    const others: unknown[] = [];
    const failure = await new Promise(resolve =>
      client.send('failing stream', { key: 'b', times: 1, retryAfterMs: 1 }).subscribe({
        next: value => others.push(value),
        error: resolve,
      }),
    );
    expect(failure).toMatchObject({ code: 'RATE_LIMITED' });
    expect([others, calls['b'], told.length]).toEqual([[1], 1, 2]);
  });

  it('stops when the caller unsubscribes', async () => {
    const { client } = await connected({ retry: 3 });
    const stopped = createGate();
    const subscription: Subscription = client.send('busy', { key: 'a', times: 1, retryAfterMs: 20 }).subscribe();
    client.on('retry', () => {
      subscription.unsubscribe();
      stopped.open();
    });
    await stopped.opened;
    // Had it gone on, it would have been sent before this one is.
    expect(await codeOf(ask(client, { key: 'b', times: 1, retryAfterMs: 100 }))).toEqual({ value: 'call 2' });
    expect(calls).toEqual({ a: 1, b: 2 });
  });

  it('fails a request that waits with DISCONNECTED when the client is closed', async () => {
    const { client } = await connected({ retry: 3 });
    const closed = new Promise<void>(resolve => client.on('retry', () => resolve(client.close())));
    const took = await elapsed(async () => {
      await expect(ask(client, { key: 'a', times: 1, retryAfterMs: 4_000 })).rejects.toMatchObject({
        code: 'DISCONNECTED',
        message: 'The client was closed.',
      });
      await closed;
    });
    expect(took).toBeLessThan(2_000);
    expect(calls['a']).toBe(1);
    expect(await ask(client, { key: 'a', times: 0 })).toBe('call 2');
  });

  it('counts a request that waits as a pending one', async () => {
    const { client } = await connected({ retry: 3, limits: { maxPending: 1 } });
    const refused: unknown[] = [];
    client.on('retry', () => {
      void codeOf(ask(client, { key: 'b', times: 0 })).then(code => refused.push(code));
    });
    expect(await ask(client, { key: 'a', times: 1, retryAfterMs: 50 })).toBe('call 2');
    expect([refused, calls]).toEqual([['BACKPRESSURE'], { a: 2 }]);
    expect(await ask(client, { key: 'c', times: 0 })).toBe('call 1');
  });

  it('survives a listener that throws', async () => {
    const { client } = await connected({ retry: 1 });
    client.on('retry', () => {
      throw new Error('a listener failed');
    });
    expect(await ask(client, { key: 'a', times: 1, retryAfterMs: 1 })).toBe('call 2');
  });

  it('serves hundreds of refused requests, each as often as it needs', async () => {
    const { client, told } = await connected({ retry: 10 });
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        ask(client, { key: `k${index}`, times: index % 4, retryAfterMs: index % 50 }),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 500 }, (_, index) => `call ${(index % 4) + 1}`));
    expect(told).toHaveLength(125 * (1 + 2 + 3));
  });
});

describe('a request that finds no room in the client', () => {
  it('is sent again with retry once there is room', async () => {
    const { client, told } = await connected({ retry: { attempts: 5, minDelay: 10 }, limits: { outboxMessages: 5 } });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => ask(client, { key: `k${index}`, times: 0 })),
    );
    expect(answers).toEqual(Array.from({ length: 12 }, () => 'call 1'));
    expect(new Set(told.map(([, , , code]) => code))).toEqual(new Set(['BACKPRESSURE']));
  });

  it('waits for a connection beyond what may wait there', async () => {
    const { endpoint } = await startApp([BusyController]);
    const retry = { attempts: 100, minDelay: 10 };
    const client = await connectClient(endpoint, { retry, limits: { outboxMessages: 1 } });
    await client.close();
    const { told } = watched(client);
    const answers = await Promise.all(['a', 'b', 'c'].map(key => ask(client, { key, times: 0 })));
    expect(answers).toEqual(['call 1', 'call 1', 'call 1']);
    expect(told.length).toBeGreaterThanOrEqual(2);
  });

  it('leaves events alone, which are sent once', async () => {
    const { client, told } = await connected({ retry: 5, limits: { outboxMessages: 1 } });
    const outcomes = await Promise.all([1, 2, 3].map(data => codeOf(firstValueFrom(client.emit('note', data)))));
    expect(outcomes).toEqual([{ value: undefined }, 'BACKPRESSURE', 'BACKPRESSURE']);
    expect(told).toEqual([]);
  });
});

describe('a client with retry, of a server that says strange things', () => {
  const WELCOMED = batchOf(controlPacket(PacketKind.Welcome, 0, WELCOME));

  function response(id: number, data: unknown): Buffer {
    const packet = new OutgoingPacket(PacketKind.Response, id, encodePayload(data, 'json'));
    return batchOf(Object.assign(packet, { last: true }));
  }

  function refusal(id: number, details?: unknown, code = 'RATE_LIMITED'): Buffer {
    return batchOf(controlPacket(PacketKind.Error, id, { code, message: 'Not now.', details }));
  }

  /** Answers the requests in their order; the last answer is for all that follow. */
  async function answering(...answers: ((id: number) => Uint8Array[])[]): Promise<{
    server: RawServer;
    requests: IncomingPacket[];
    others: PacketKind[];
  }> {
    const requests: IncomingPacket[] = [];
    const others: PacketKind[] = [];
    const server = await new RawServer(packets =>
      packets.flatMap(packet => {
        if (packet.kind === PacketKind.Hello) {
          return [[WELCOMED]];
        }
        if (packet.kind !== PacketKind.Request) {
          others.push(packet.kind);
          return [];
        }
        const answer = answers[Math.min(requests.length, answers.length - 1)];
        requests.push(packet);
        return answer?.(packet.id).map(frame => [frame]) ?? [];
      }),
    ).open();
    return { server, requests, others };
  }

  it.each([undefined, null, 'soon', 7, [], {}, { retryAfterMs: '1' }, { retryAfterMs: -1 }, { retryAfterMs: 1e10 }])(
    'waits for its own delay where the details are %j',
    async details => {
      const { server } = await answering(
        id => [refusal(id, details)],
        id => [response(id, 'fine')],
      );
      const { client, told } = watched(await connectClient(server.endpoint, { retry: { minDelay: 20 } }));
      expect(await firstValueFrom(client.send('p', 1))).toBe('fine');
      expect(told).toHaveLength(1);
      expect(told[0]![2]).toBeGreaterThanOrEqual(10);
      expect(told[0]![2]).toBeLessThanOrEqual(20);
    },
  );

  it('sends each attempt with an id of its own and the time that is left', async () => {
    const { server, requests } = await answering(
      id => [refusal(id, { retryAfterMs: 100 })],
      id => [response(id, 'fine')],
    );
    const client = await connectClient(server.endpoint, { retry: 1, timeout: 2_000 });
    expect(await firstValueFrom(client.send('p', { a: 1 }))).toBe('fine');
    const [first, second] = requests;
    expect(second!.id).not.toBe(first!.id);
    expect([first, second].map(packet => [packet!.pattern, packet!.payload.toString()])).toEqual([
      ['p', '{"a":1}'],
      ['p', '{"a":1}'],
    ]);
    expect(first!.timeoutMs).toBe(2_000);
    expect(second!.timeoutMs).toBeLessThanOrEqual(1_900);
    expect(second!.timeoutMs).toBeGreaterThan(1_000);
  });

  it('waits once when one attempt is refused several times, and hears nothing more of it', async () => {
    const { server, requests } = await answering(
      id => [refusal(id, { retryAfterMs: 30 }), refusal(id, { retryAfterMs: 0 }), response(id, 'too late')],
      id => [response(id - 1, 'too late'), response(id, 'fine')],
    );
    const { client, told } = watched(await connectClient(server.endpoint, { retry: 3 }));
    expect(await firstValueFrom(client.send('p', 1))).toBe('fine');
    expect([requests.length, told.length]).toEqual([2, 1]);
  });

  it('takes the next attempt to another server when the first one has gone', async () => {
    const { server } = await answering(id => [refusal(id, { retryAfterMs: 150 })]);
    const { endpoint } = await startApp([EchoController]);
    const client = createClient([server.endpoint, endpoint], { retry: 1 });
    let ready = 0;
    client.on('connect', () => ready++);
    await client.connect();
    await until(() => ready === 2);
    client.on('retry', () => server.close());
    expect(await firstValueFrom(client.send('echo', 'here'))).toBe('here');
  });

  it('fails with DISCONNECTED, unlike with a refusal, when the server vanishes under an attempt', async () => {
    const { server, requests } = await answering(
      id => [refusal(id, { retryAfterMs: 1 })],
      () => [],
    );
    const client = await connectClient(server.endpoint, { retry: 50, timeout: 0 });
    const outcome = codeOf(firstValueFrom(client.send('p', 1)));
    await until(() => requests.length === 2);
    server.close();
    expect(await outcome).toBe('DISCONNECTED');
  });

  it('sends no cancel for an attempt that has been refused', async () => {
    const { server, requests, others } = await answering(
      id => [refusal(id, { retryAfterMs: 5_000 })],
      id => [response(id, 'fine')],
    );
    const { client, told } = watched(await connectClient(server.endpoint, { retry: 1 }));
    const subscription = client.send('p', 1).subscribe();
    await until(() => told.length === 1);
    subscription.unsubscribe();
    expect(await firstValueFrom(client.send('p', 1))).toBe('fine');
    expect([requests.length, others]).toEqual([2, []]);
  });

  it('shows each refusal to a deserializer, which may take its time and have its own opinion', async () => {
    const { server, requests } = await answering(
      // The second one is to come before the wait is over.
      id => [refusal(id, { retryAfterMs: 500 }), refusal(id, { retryAfterMs: 500 })],
      id => [refusal(id, undefined, 'NOT_YET')],
      id => [response(id, 'fine')],
    );
    const seen: unknown[] = [];
    const deserializer = {
      deserialize: async (packet: { err?: ZmqException }) => {
        seen.push(packet.err?.code);
        await new Promise(setImmediate);
        return packet.err?.code === 'NOT_YET' ? { ...packet, err: new ZmqException('OVERLOADED', 'Later.') } : packet;
      },
    };
    const retry = { attempts: 2, minDelay: 1 };
    const { client, told } = watched(await connectClient(server.endpoint, { retry, deserializer }));
    expect(await firstValueFrom(client.send('p', 1))).toBe('fine');
    expect(seen).toEqual(['RATE_LIMITED', 'RATE_LIMITED', 'NOT_YET', undefined]);
    expect([requests.length, told.map(([, , , code]) => code)]).toEqual([3, ['RATE_LIMITED', 'OVERLOADED']]);
  });

  it('does not send a request again whose value a deserializer has turned into a refusal', async () => {
    const { server, requests } = await answering(id => [response(id, 'done')]);
    const deserializer = {
      deserialize: () => ({ err: new ZmqException('RATE_LIMITED', 'No.'), isDisposed: true }),
    };
    const client = await connectClient(server.endpoint, { retry: 3, deserializer });
    expect(await codeOf(firstValueFrom(client.send('p', 1)))).toBe('RATE_LIMITED');
    expect(requests).toHaveLength(1);
  });
});
