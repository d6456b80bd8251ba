import {
  Controller,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Ctx, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { ZmqContext, ZmqException, type ClientZmq, type ServerZmq } from 'nestjs-zeromq';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import {
  EMPTY,
  Observable,
  concat,
  firstValueFrom,
  interval,
  lastValueFrom,
  map,
  of,
  range,
  throwError,
  toArray,
} from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { PacketKind } from '../../lib/wire/packet.js';
import { RawPeer, batchOf, controlPacket, requestPacket } from '../support/raw-peer.js';
import { connectClient, startApp, until } from '../support/zmq-app.js';

let produced = 0;
let ended: string[] = [];
let reasons: unknown[] = [];

@Injectable()
class DoublingInterceptor implements NestInterceptor<number, number> {
  intercept(_context: ExecutionContext, next: CallHandler<number>): Observable<number> {
    return next.handle().pipe(map(value => (typeof value === 'number' ? value * 2 : value)));
  }
}

@Controller()
class StreamController {
  @MessagePattern('range')
  range(@Payload() count: number): Observable<number> {
    return range(0, count);
  }

  @MessagePattern('count')
  async *count(@Payload() count: number): AsyncGenerator<number> {
    try {
      for (let value = 0; value < count; value++) {
        produced++;
        yield value;
      }
    } finally {
      ended.push('count');
    }
  }

  @MessagePattern('endless')
  endless(@Ctx() { signal }: ZmqContext): Observable<number> {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    return new Observable<number>(subscriber => {
      const subscription = interval(2).subscribe(subscriber);
      return () => {
        subscription.unsubscribe();
        ended.push('endless');
      };
    });
  }

  @MessagePattern('flood')
  flood(): Observable<string> {
    return range(0, 10_000).pipe(map(() => 'x'.repeat(1_000)));
  }

  @MessagePattern('failing')
  failing(): Observable<number> {
    return concat(
      range(0, 500),
      throwError(() => new RpcException({ code: 'BROKEN', message: 'after 500' })),
    );
  }

  @MessagePattern('failing generator')
  async *failingGenerator(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new ZmqException('BROKEN', 'after two', { details: { at: 2 } });
  }

  @MessagePattern('empty')
  empty(): Observable<never> {
    return EMPTY;
  }

  @MessagePattern('promised')
  async promised(): Promise<Observable<number>> {
    return of(1, 2, 3);
  }

  @UseInterceptors(DoublingInterceptor)
  @MessagePattern('intercepted observable')
  intercepted(): Observable<number> {
    return of(1, 2, 3);
  }

  @UseInterceptors(DoublingInterceptor)
  @MessagePattern('intercepted generator')
  async *interceptedGenerator(): AsyncGenerator<number> {
    try {
      for (let value = 1; value <= 3; value++) {
        produced++;
        yield value;
      }
    } finally {
      ended.push('intercepted');
    }
  }

  @UseInterceptors(DoublingInterceptor)
  @MessagePattern('intercepted endless')
  async *interceptedEndless(): AsyncGenerator<number> {
    try {
      for (;;) {
        yield produced++;
      }
    } finally {
      ended.push('intercepted');
    }
  }

  @MessagePattern('readable')
  readable(): Readable {
    const stream = Readable.from([Buffer.from('ab'), Buffer.from('cd')]);
    stream.once('close', () => ended.push('readable'));
    return stream;
  }

  @MessagePattern('endless readable')
  endlessReadable(): Readable {
    const stream = new Readable({
      read() {
        produced++;
        this.push(Buffer.alloc(1_024));
      },
    });
    stream.once('close', () => ended.push('readable'));
    return stream;
  }

  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('a stream of values', () => {
  let server: ServerZmq;
  let endpoint: string;
  let client: ClientZmq;

  async function start(limits: NonNullable<ConstructorParameters<typeof ServerZmq>[0]>['limits'] = {}): Promise<void> {
    ({ server, endpoint } = await startApp([StreamController], { server: { limits } }));
    client = await connectClient(endpoint);
  }

  beforeEach(async () => {
    produced = 0;
    ended = [];
    reasons = [];
    await start();
  });

  it('brings 100,000 values in order and completes', async () => {
    const values = await lastValueFrom(client.send<number>('range', 100_000).pipe(toArray()));
    expect(values).toHaveLength(100_000);
    expect(values.every((value, index) => value === index)).toBe(true);
    expect(server.getStats()).toMatchObject({ streams: 0, running: 0, heldBytes: 0 });
  });

  it('brings 100,000 values of an async generator through stream()', async () => {
    let next = 0;
    for await (const value of client.stream<number>('count', 100_000)) {
      expect(value === next).toBe(true);
      next++;
    }
    expect(next).toBe(100_000);
  });

  it('completes without a value', async () => {
    expect(await lastValueFrom(client.send('empty', {}).pipe(toArray()))).toEqual([]);
    const values: unknown[] = [];
    for await (const value of client.stream('empty', {})) {
      values.push(value);
    }
    expect(values).toEqual([]);
  });

  it('may come from a promise of an Observable', async () => {
    expect(await lastValueFrom(client.send('promised', {}).pipe(toArray()))).toEqual([1, 2, 3]);
  });

  it('delivers the values before an error before the error', async () => {
    const values: number[] = [];
    const error: unknown = await lastValueFrom(
      client.send<number>('failing', {}).pipe(map(value => values.push(value))),
    ).catch((reason: unknown) => reason);
    expect(values).toEqual(upTo(500));
    expect(error).toMatchObject({ code: 'BROKEN', message: 'after 500' });

    const slow: number[] = [];
    const consume = async () => {
      for await (const value of client.stream<number>('failing', {}, { window: 4 })) {
        slow.push(value);
      }
    };
    await expect(consume()).rejects.toMatchObject({ code: 'BROKEN' });
    expect(slow).toEqual(upTo(500));

    const few: number[] = [];
    const generator = lastValueFrom(client.send<number>('failing generator', {}).pipe(map(value => few.push(value))));
    await expect(generator).rejects.toMatchObject({ code: 'BROKEN', details: { at: 2 } });
    expect(few).toEqual([1, 2]);
  });

  it('never lets an async generator run more than the window ahead of its consumer', async () => {
    let consumed = 0;
    let furthest = 0;
    for await (const _ of client.stream<number>('count', 300, { window: 8 })) {
      consumed++;
      if (consumed % 20 === 0) {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      furthest = Math.max(furthest, produced - consumed);
    }
    expect(consumed).toBe(300);
    // The generator may have been asked for one value beyond those in the window, which it holds.
    expect(furthest).toBeLessThanOrEqual(8 + 1);
  });

  it('ends with BACKPRESSURE at streamBuffer when a fast Observable has a slow consumer', async () => {
    await start({ streamBuffer: '64kb' });
    const values: string[] = [];
    const consume = async () => {
      for await (const value of client.stream<string>('flood', {}, { window: 4 })) {
        values.push(value);
        await new Promise(resolve => setTimeout(resolve, 1));
      }
    };
    await expect(consume()).rejects.toMatchObject({ code: 'BACKPRESSURE', details: { limit: 65_536 } });
    expect(values.length).toBeLessThan(100);
    expect(server.getStats().peakBytes).toBeLessThan(256 * 1024);
    await until(() => server.getStats().heldBytes === 0);
  });

  it('cancels the handler when a for await loop is left', async () => {
    for await (const value of client.stream<number>('count', 1_000_000)) {
      if (value === 10) {
        break;
      }
    }
    await until(() => ended.includes('count'));
    expect(produced).toBeLessThan(200);
    await until(() => server.getStats().streams === 0);
  });

  it('is not begun before the first value is asked for', async () => {
    const stream = client.stream<number>('count', 3);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
    expect(produced).toBe(0);
    expect(await stream.next()).toEqual({ value: 0, done: false });
    await stream.return?.();
  });

  it('passes through interceptors, also where the handler is a generator', async () => {
    expect(await lastValueFrom(client.send('intercepted observable', {}).pipe(toArray()))).toEqual([2, 4, 6]);
    // Nest hands an AsyncIterable to an interceptor as one value; its values do not pass through it.
    expect(await lastValueFrom(client.send('intercepted generator', {}).pipe(toArray()))).toEqual([1, 2, 3]);
    await until(() => ended.includes('intercepted'));
  });

  it('holds back and ends a generator behind an interceptor like any other', async () => {
    const stream = client.stream<number>('intercepted endless', {}, { window: 8 });
    expect(await stream.next()).toEqual({ value: 0, done: false });
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(produced).toBeLessThanOrEqual(1 + 8 + 1);
    await stream.return?.();
    await until(() => ended.includes('intercepted'));
  });

  it('reads a Readable to its end and destroys it when the caller stops', async () => {
    expect(await lastValueFrom(client.send<Buffer>('readable', {}).pipe(toArray()))).toEqual([
      Buffer.from('ab'),
      Buffer.from('cd'),
    ]);
    await until(() => ended.length === 1);
    const stream = client.stream<Buffer>('endless readable', {}, { window: 4 });
    await stream.next();
    await new Promise(resolve => setTimeout(resolve, 20));
    // What a Readable reads ahead by itself, 64 KB, comes on top of the window.
    expect(produced).toBeLessThan(100);
    await stream.return?.();
    await until(() => ended.length === 2);
  });

  it('refuses a stream above maxStreams with OVERLOADED and goes on with single answers', async () => {
    await start({ maxStreams: 2 });
    const first = client.stream<number>('endless', {});
    const second = client.stream<number>('endless', {});
    await Promise.all([first.next(), second.next()]);
    await until(() => server.getStats().streams === 2);
    await expect(lastValueFrom(client.send('endless', {}))).rejects.toMatchObject({ code: 'OVERLOADED' });
    await until(() => ended.length === 1);
    expect(await firstValueFrom(client.send('echo', 'still here'))).toBe('still here');
    await first.return?.();
    await until(() => server.getStats().streams === 1);
    const third = client.stream<number>('endless', {});
    expect((await third.next()).value).toBe(0);
    await second.return?.();
    await third.return?.();
  });

  it('refuses requests above maxRequestsPerPeer with OVERLOADED, for that peer alone', async () => {
    await start({ maxRequestsPerPeer: 2 });
    const streams = [client.stream<number>('endless', {}), client.stream<number>('endless', {})];
    await Promise.all(streams.map(stream => stream.next()));
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
    });
    const other = await connectClient(endpoint);
    expect(await firstValueFrom(other.send('echo', 1))).toBe(1);
    for (const stream of streams) {
      await stream.return?.();
    }
    await until(() => server.getStats().streams === 0);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
  });

  it('ends at the server when the socket of its client is closed', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'endless', {}));
    await peer.next(PacketKind.Response);
    const start = performance.now();
    peer.close();
    await until(() => ended.length === 1);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(reasons[0]).toMatchObject({ code: 'DISCONNECTED' });
    await until(() => server.getStats().peers === 1);
  });

  it('ends at the server when its consumer vanishes while it holds a silent stream back', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'count', 1_000, { window: 1 }));
    await peer.next(PacketKind.Response);
    peer.close();
    await until(() => ended.includes('count'), 1_500);
    expect(reasons).toEqual([]);
  });

  it('ends at the server when the process of its client is killed', async () => {
    const script = `
      import { Dealer } from 'zeromq';
      const [endpoint, hello, request] = process.argv.slice(1);
      const dealer = new Dealer();
      dealer.connect(endpoint);
      await dealer.send(Buffer.from(hello, 'hex'));
      await dealer.receive();
      await dealer.send(Buffer.from(request, 'hex'));
      for await (const _ of dealer) {
        process.stdout.write('.');
      }`;
    const hello = controlPacket(PacketKind.Hello, 0, { version: 1, limits: { maxMessageSize: 1024 } });
    const messages = [hello, requestPacket(1, 'endless', {})].map(packet => batchOf(packet).toString('hex'));
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, endpoint, ...messages], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(server.getStats().streams).toBe(1);
    const start = performance.now();
    child.kill('SIGKILL');
    await until(() => ended.includes('endless'));
    expect(performance.now() - start).toBeLessThan(1_500);
    await until(() => server.getStats().streams === 0 && server.getStats().heldBytes === 0);
  });
});
