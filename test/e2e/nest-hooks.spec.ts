import { Controller, Logger } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException, type ReadPacket } from '@nestjs/microservices';
import { ClientZmq, ZMQ_TRANSPORT, ZmqContext, ZmqRecordBuilder, type ServerZmq } from 'nestjs-zeromq';
import { NEVER, concat, defaultIfEmpty, firstValueFrom, from, lastValueFrom, of, take, throwError } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectClient, startApp, until } from '../support/zmq-app.js';

const seenMetadata: unknown[] = [];

@Controller()
class HookedController {
  @MessagePattern('value')
  value(@Payload() data: unknown, @Ctx() context: ZmqContext): unknown {
    seenMetadata.push(context.getMetadata());
    return data;
  }

  @MessagePattern('void')
  nothing(): void {
    // Answers without a value.
  }

  @MessagePattern('throw')
  throw(): never {
    throw new RpcException('thrown');
  }

  @MessagePattern('stream')
  stream(@Payload() data: number[]) {
    return from(data);
  }

  @MessagePattern('generator')
  async *generator(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }

  @MessagePattern('failing stream')
  failingStream() {
    return concat(
      of(1),
      throwError(() => new RpcException('later')),
    );
  }

  @MessagePattern('endless')
  endless() {
    return concat(of(1), NEVER);
  }

  @MessagePattern('stuck')
  stuck(): Promise<never> {
    return new Promise(() => undefined);
  }

  @MessagePattern('unencodable')
  unencodable(): unknown {
    return { value: 1n };
  }

  @EventPattern<string>('event')
  event(@Payload() _data: unknown, @Ctx() context: ZmqContext): void {
    seenMetadata.push(context.getMetadata());
  }

  @EventPattern('event')
  sameEvent(@Payload() _data: unknown): void {
    // A second handler of the same event, within the same processing.
  }

  @EventPattern('failing event')
  failingEvent(@Payload() _data: unknown): void {
    throw new Error('an event failed');
  }

  @EventPattern('event stream')
  eventStream(@Payload() _data: unknown) {
    return from([1, 2]);
  }

  @EventPattern('failing event stream')
  failingEventStream(@Payload() _data: unknown) {
    return concat(
      of(1),
      throwError(() => new Error('an event failed later')),
    );
  }
}

interface Span {
  readonly pattern: string;
  ends: number;
}

/** What a tracing tool does: opens a span per message, and closes it at its end. */
function trace(server: ServerZmq): Map<ZmqContext, Span> {
  const spans = new Map<ZmqContext, Span>();
  server.setOnProcessingStartHook((transport, context, done) => {
    const zmqContext = context as ZmqContext;
    expect(transport).toBe(ZMQ_TRANSPORT);
    expect(spans.has(zmqContext)).toBe(false);
    spans.set(zmqContext, { pattern: zmqContext.getPattern(), ends: 0 });
    void done();
  });
  server.setOnProcessingEndHook((transport, context) => {
    expect(transport).toBe(ZMQ_TRANSPORT);
    spans.get(context as ZmqContext)!.ends++;
  });
  return spans;
}

describe('processing hooks of ServerZmq', () => {
  let server: ServerZmq;
  let client: ClientZmq;
  let spans: Map<ZmqContext, Span>;

  beforeEach(async () => {
    Logger.overrideLogger(false);
    seenMetadata.length = 0;
    const app = await startApp([HookedController], { server: { drainTimeout: 100 } });
    server = app.server;
    spans = trace(server);
    client = await connectClient(app.endpoint);
  });

  const closed = () => [...spans.values()];
  const settle = (pattern: string, data: unknown) =>
    lastValueFrom(client.send(pattern, data).pipe(defaultIfEmpty('empty'))).catch((error: Error) => error.message);

  it.each<[pattern: string, data: unknown, outcome: unknown]>([
    ['value', 1, 1],
    ['void', {}, 'empty'],
    ['throw', {}, 'thrown'],
    ['stream', [1, 2, 3], 3],
    ['stream', [], 'empty'],
    ['generator', {}, 2],
    ['failing stream', {}, 'later'],
    ['unencodable', {}, 'The response cannot be encoded.'],
  ])('run once around a request for %j with %j', async (pattern, data, outcome) => {
    expect(await settle(pattern, data)).toBe(outcome);
    await until(() => server.getStats().running === 0);

    expect(closed()).toEqual([{ pattern, ends: 1 }]);
  });

  it.each(['event', 'failing event', 'event stream', 'failing event stream', 'value', 'stream'])(
    'run once around the event %j',
    async pattern => {
      await lastValueFrom(client.emit(pattern, [1]));
      await until(() => server.getStats().events === 1 && server.getStats().running === 0);

      expect(closed()).toEqual([{ pattern, ends: 1 }]);
    },
  );

  it('run once around a stream that is cancelled', async () => {
    expect(await firstValueFrom(client.send('endless', {}).pipe(take(1)))).toBe(1);
    await until(() => closed()[0]?.ends === 1);
    await client.close();

    expect(closed()).toEqual([{ pattern: 'endless', ends: 1 }]);
  });

  it('run once around a request that is cancelled while its handler is busy', async () => {
    const subscription = client.send('stuck', {}).subscribe();
    await until(() => spans.size === 1);
    subscription.unsubscribe();
    await until(() => closed()[0]?.ends === 1);

    expect(closed()).toEqual([{ pattern: 'stuck', ends: 1 }]);
  });

  it('run once around a request whose deadline passes', async () => {
    const late = new ZmqRecordBuilder({}).setTimeout(50).build();
    await expect(firstValueFrom(client.send('stuck', late))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await until(() => closed()[0]?.ends === 1);

    expect(closed()).toEqual([{ pattern: 'stuck', ends: 1 }]);
  });

  it('end once, and the handler never runs, for a request that is cancelled before its start hook has let it begin', async () => {
    let begin: (() => unknown) | undefined;
    let ends = 0;
    server.setOnProcessingStartHook((_transport, _context, done) => {
      begin = done;
    });
    server.setOnProcessingEndHook(() => ends++);
    const subscription = client.send('value', 1).subscribe();
    await until(() => begin !== undefined);
    subscription.unsubscribe();
    // The answer to a later request tells that the cancel has arrived.
    await expect(firstValueFrom(client.send('nobody', 1))).rejects.toMatchObject({ code: 'NO_HANDLER' });
    await begin?.();
    await until(() => server.getStats().running === 0);

    expect(ends).toBe(1);
    expect(seenMetadata).toEqual([]);
  });

  it('answer with an internal error when a start hook throws', async () => {
    server.setOnProcessingStartHook(() => {
      throw new Error('a broken tracer');
    });

    await expect(firstValueFrom(client.send('value', 1))).rejects.toMatchObject({ code: 'INTERNAL' });
    await lastValueFrom(client.emit('event', 1));
    await until(() => server.getStats().events === 1 && server.getStats().running === 0);
  });

  it('do no harm when the end hook throws', async () => {
    server.setOnProcessingEndHook(() => {
      throw new Error('a broken tracer');
    });
    await firstValueFrom(client.send('endless', {}));

    expect(await settle('value', 1)).toBe(1);
    expect(await settle('stream', [1, 2])).toBe(2);
    expect(await settle('failing stream', {})).toBe('later');
    await lastValueFrom(client.emit('event', 1));
    await until(() => server.getStats().events === 1 && server.getStats().running === 0);
    expect(await settle('value', 2)).toBe(2);
  });

  it('may wait before a handler begins', async () => {
    const order: string[] = [];
    server.setOnProcessingStartHook((_transport, _context, done) => {
      setImmediate(() => {
        order.push('start');
        void done();
      });
    });
    server.setOnProcessingEndHook(() => order.push('end'));

    expect(await firstValueFrom(client.send('value', 1))).toBe(1);
    await until(() => server.getStats().running === 0);
    expect(order).toEqual(['start', 'end']);
  });
});

describe('the dispatch hook of ClientZmq', () => {
  let server: ServerZmq;
  let client: ClientZmq;

  beforeEach(async () => {
    seenMetadata.length = 0;
    const app = await startApp([HookedController]);
    server = app.server;
    client = await connectClient(app.endpoint);
    client.setOnDispatchHook((packet: ReadPacket) => {
      packet.metadata = { traceparent: '00-1-2-01', pattern: String(packet.pattern) };
    });
  });

  it('adds metadata to a request', async () => {
    expect(await firstValueFrom(client.send('value', 1))).toBe(1);
    expect(seenMetadata).toEqual([{ traceparent: '00-1-2-01', pattern: 'value' }]);
  });

  it('adds metadata to an event', async () => {
    await lastValueFrom(client.emit('event', 1));
    await until(() => server.getStats().events === 1 && seenMetadata.length > 0);

    expect(seenMetadata).toEqual([{ traceparent: '00-1-2-01', pattern: 'event' }]);
  });

  it('adds metadata beside that of a record', async () => {
    const record = new ZmqRecordBuilder(1).setMetadata({ tenant: 'a', pattern: 'replaced' }).build();
    expect(await firstValueFrom(client.send('value', record))).toBe(1);

    expect(seenMetadata).toEqual([{ tenant: 'a', traceparent: '00-1-2-01', pattern: 'value' }]);
  });

  it('adds metadata to a stream that is pulled', async () => {
    for await (const value of client.stream('value', 5)) {
      expect(value).toBe(5);
    }

    expect(seenMetadata).toEqual([{ traceparent: '00-1-2-01', pattern: 'value' }]);
  });

  it('runs once for every subscription', async () => {
    let calls = 0;
    client.setOnDispatchHook(() => {
      calls++;
    });
    const request = client.send('value', 1);
    await firstValueFrom(request);
    await firstValueFrom(request);

    expect(calls).toBe(2);
  });

  it('fails only its own request when it throws', async () => {
    client.setOnDispatchHook(() => {
      throw new Error('a broken tracer');
    });
    await expect(firstValueFrom(client.send('value', 1))).rejects.toThrow('a broken tracer');
    await expect(lastValueFrom(client.emit('event', 1))).rejects.toThrow('a broken tracer');
    client.setOnDispatchHook(() => undefined);

    expect(await firstValueFrom(client.send('value', 1))).toBe(1);
  });
});
