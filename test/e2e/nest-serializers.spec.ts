import { Controller } from '@nestjs/common';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type Deserializer,
  type Serializer,
} from '@nestjs/microservices';
import { ZmqContext, ZmqException, ZmqRecordBuilder } from 'nestjs-zeromq';
import { concat, firstValueFrom, from, lastValueFrom, of, throwError, toArray, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectClient, startApp, until } from '../support/zmq-app.js';

let handled: unknown[] = [];

beforeEach(() => {
  handled = [];
});

@Controller()
class SealedController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    handled.push(data);
    return data;
  }

  @MessagePattern({ cmd: 'each' })
  each(@Payload() data: unknown[]): Observable<unknown> {
    return from(data);
  }

  @MessagePattern('where')
  where(@Ctx() context: ZmqContext): unknown[] {
    return [context.getPattern(), context.getMetadata()];
  }

  @MessagePattern('fail')
  fail(): never {
    throw new RpcException({ code: 'TAKEN', message: 'somebody has it' });
  }

  @MessagePattern('one, then fail')
  oneThenFail(): Observable<number> {
    return concat(
      of(1),
      throwError(() => new RpcException('no more')),
    );
  }

  @EventPattern<string>('event')
  event(@Payload() data: unknown): void {
    handled.push(data);
  }
}

type Packet = Record<string, unknown>;
const seal = (value: unknown) => ({ sealed: Buffer.from(JSON.stringify(value)).toString('base64') });
const unseal = ({ sealed }: { sealed: string }): unknown => JSON.parse(Buffer.from(sealed, 'base64').toString());

/** Packs one field of a packet, as an encrypting serializer would. */
const sealing = (field: string): Serializer<Packet> => ({
  serialize: packet => (packet[field] === undefined ? packet : { ...packet, [field]: seal(packet[field]) }),
});

const unsealing = (field: string): Deserializer<Packet, Packet> => ({
  deserialize: packet =>
    packet[field] === undefined ? packet : { ...packet, [field]: unseal(packet[field] as { sealed: string }) },
});

/** The same, but later; the first packets take longest. */
function unsealingLater(field: string): Deserializer<Packet, Promise<Packet>> {
  let delay = 20;
  return {
    deserialize: async packet => {
      delay = Math.max(0, delay - 5);
      await new Promise(resolve => setTimeout(resolve, delay));
      return unsealing(field).deserialize(packet) as Packet;
    },
  };
}

describe.each([
  ['at once', unsealing],
  ['later', unsealingLater],
])('serializers of both sides, whose deserializers answer %s', (_when, unsealWith) => {
  async function start() {
    const { server, endpoint } = await startApp([SealedController], {
      server: { serializer: sealing('response'), deserializer: unsealWith('data') },
    });
    const client = await connectClient(endpoint, {
      serializer: sealing('data'),
      deserializer: unsealWith('response'),
    });
    return { server, client };
  }

  it('carry a request and its answer', async () => {
    const { client } = await start();

    expect(await firstValueFrom(client.send('echo', { a: [1] }))).toEqual({ a: [1] });
    expect(handled).toEqual([{ a: [1] }]);
  });

  it('carry the values of a stream in their order', async () => {
    const { client } = await start();
    const values = client.send({ cmd: 'each' }, [1, 'two', { three: 3 }, 4, 5]).pipe(toArray());

    expect(await lastValueFrom(values)).toEqual([1, 'two', { three: 3 }, 4, 5]);
  });

  it('carry events', async () => {
    const { client } = await start();
    await lastValueFrom(client.emit('event', { b: 2 }));
    await until(() => handled.length === 1);

    expect(handled).toEqual([{ b: 2 }]);
  });

  it('leave errors with their fields', async () => {
    const { client } = await start();
    const failure = firstValueFrom(client.send('fail', {}));

    await expect(failure).rejects.toBeInstanceOf(ZmqException);
    await expect(failure).rejects.toMatchObject({ code: 'TAKEN', message: 'somebody has it' });
  });

  it('leave the values of a stream before its error', async () => {
    const { client } = await start();
    const seen: unknown[] = [];
    await new Promise<void>(resolve => {
      client.send('one, then fail', {}).subscribe({
        next: value => seen.push(value),
        error: ({ message }: Error) => {
          seen.push(message);
          resolve();
        },
      });
    });

    expect(seen).toEqual([1, 'no more']);
  });

  it('leave a pattern without a handler what it is', async () => {
    const { client } = await start();

    await expect(firstValueFrom(client.send('nobody', 1))).rejects.toMatchObject({ code: 'NO_HANDLER' });
  });

  it('answer with an error where the data is not what they expect, and go on', async () => {
    const { server, client } = await start();
    const stranger = await connectClient(server.endpoints);

    await expect(firstValueFrom(stranger.send('echo', { sealed: '%%%' }))).rejects.toMatchObject({ code: 'INTERNAL' });
    await lastValueFrom(stranger.emit('event', { sealed: '%%%' }));
    await until(() => server.getStats().events === 1 && server.getStats().running === 0);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
    expect(handled).toEqual([1]);
  });

  it('fail the request whose answer they cannot read, and no other', async () => {
    const { endpoint } = await startApp([SealedController]);
    const client = await connectClient(endpoint, { deserializer: unsealWith('response') });

    await expect(firstValueFrom(client.send('echo', { sealed: '%%%' }))).rejects.toBeInstanceOf(SyntaxError);
    expect(await firstValueFrom(client.send('echo', seal('read')))).toBe('read');
  });
});

describe('a deserializer of ServerZmq', () => {
  it('sees id, pattern, data and metadata of a request, and no id of an event', async () => {
    const seen: unknown[] = [];
    const deserializer: Deserializer<Packet, Packet> = {
      deserialize: packet => {
        seen.push(packet);
        return packet;
      },
    };
    const { endpoint } = await startApp([SealedController], { server: { deserializer } });
    const client = await connectClient(endpoint);
    await firstValueFrom(client.send('echo', new ZmqRecordBuilder(1).setMetadata({ tenant: 'a' }).build()));
    await lastValueFrom(client.emit('event', 2));
    await until(() => handled.length === 2);

    expect(seen).toEqual([
      { id: expect.anything() as unknown, pattern: 'echo', data: 1, metadata: { tenant: 'a' } },
      { pattern: 'event', data: 2 },
    ]);
  });

  it('sees bytes as a Buffer', async () => {
    const deserializer: Deserializer<Packet, Packet> = {
      deserialize: packet => ({ ...packet, data: { text: (packet['data'] as Buffer).toString('latin1') } }),
    };
    const { endpoint } = await startApp([SealedController], { server: { deserializer } });
    const client = await connectClient(endpoint);

    expect(await firstValueFrom(client.send('echo', Buffer.from('bytes')))).toEqual({ text: 'bytes' });
  });

  it('may lead a foreign pattern to a handler', async () => {
    const deserializer: Deserializer<Packet, Packet> = {
      deserialize: ({ pattern, ...packet }) => ({ ...packet, pattern: String(pattern).replace(/^v1\./, '') }),
    };
    const { endpoint } = await startApp([SealedController], { server: { deserializer } });
    const client = await connectClient(endpoint);

    expect(await firstValueFrom(client.send('v1.echo', 5))).toBe(5);
  });

  it('shows guards and handlers in the context what it made of the packet', async () => {
    const deserializer: Deserializer<Packet, Packet> = {
      deserialize: packet => ({ ...packet, pattern: 'where', metadata: { tenant: 'acme' } }),
    };
    const { endpoint } = await startApp([SealedController], { server: { deserializer } });
    const client = await connectClient(endpoint);

    expect(await firstValueFrom(client.send('anything', 1))).toEqual(['where', { tenant: 'acme' }]);
  });

  it('may give the pattern as an object', async () => {
    const deserializer: Deserializer<Packet, Packet> = {
      deserialize: packet => ({ ...packet, pattern: { cmd: packet['pattern'] } }),
    };
    const { endpoint } = await startApp([SealedController], { server: { deserializer } });
    const client = await connectClient(endpoint);

    expect(await lastValueFrom(client.send('each', [1, 2]))).toBe(2);
    await expect(firstValueFrom(client.send('nobody', 1))).rejects.toMatchObject({
      code: 'NO_HANDLER',
      details: { pattern: '{"cmd":"nobody"}' },
    });
  });

  it('that takes its time does not run the handler of a request that is cancelled meanwhile', async () => {
    let goOn: (() => void) | undefined;
    const deserializer: Deserializer<Packet, Promise<Packet>> = {
      deserialize: async packet => {
        if (packet['data'] === 'cancelled') {
          await new Promise<void>(resolve => {
            goOn = resolve;
          });
        }
        return packet;
      },
    };
    const { server, endpoint } = await startApp([SealedController], { server: { deserializer } });
    const client = await connectClient(endpoint);
    const subscription = client.send('echo', 'cancelled').subscribe();
    await until(() => goOn !== undefined);
    subscription.unsubscribe();
    expect(await firstValueFrom(client.send('echo', 'served'))).toBe('served');
    goOn?.();
    await until(() => server.getStats().running === 0);

    expect(handled).toEqual(['served']);
  });
});

describe('a serializer of ClientZmq', () => {
  it('sees id, pattern, data and metadata, and may return bare data', async () => {
    const seen: unknown[] = [];
    const serializer: Serializer<Packet> = {
      serialize: packet => {
        seen.push(packet);
        return [packet['data']];
      },
    };
    const { endpoint } = await startApp([SealedController]);
    const client = await connectClient(endpoint, { serializer });
    const record = new ZmqRecordBuilder(1).setMetadata({ tenant: 'a' }).build();

    expect(await firstValueFrom(client.send('echo', record))).toEqual([1]);
    expect(seen).toEqual([{ id: expect.any(String) as unknown, pattern: 'echo', data: 1, metadata: { tenant: 'a' } }]);
  });

  it('that throws fails its own request and event only', async () => {
    const serializer: Serializer<Packet> = {
      serialize: packet => {
        if (packet['data'] === 'bad') {
          throw new Error('cannot be serialized');
        }
        return packet;
      },
    };
    const { endpoint } = await startApp([SealedController]);
    const client = await connectClient(endpoint, { serializer });

    await expect(firstValueFrom(client.send('echo', 'bad'))).rejects.toThrow('cannot be serialized');
    await expect(lastValueFrom(client.emit('event', 'bad'))).rejects.toThrow('cannot be serialized');
    expect(await firstValueFrom(client.send('echo', 'good'))).toBe('good');
  });
});

describe('a serializer of ServerZmq', () => {
  it('sees each value of a stream, and which answer is the last', async () => {
    const seen: Packet[] = [];
    const serializer: Serializer<Packet> = {
      serialize: packet => {
        seen.push(packet);
        return packet;
      },
    };
    const { endpoint } = await startApp([SealedController], { server: { serializer } });
    const client = await connectClient(endpoint);
    await lastValueFrom(client.send({ cmd: 'each' }, [1, 2]));
    await firstValueFrom(client.send('echo', 3));

    expect(seen.map(({ response, isDisposed }) => [response, isDisposed])).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
  });

  it('that throws fails the request with INTERNAL, without its text', async () => {
    const serializer: Serializer<Packet> = {
      serialize: packet => {
        if (packet['response'] === 'bad') {
          throw new Error('a secret of the server');
        }
        return packet;
      },
    };
    const { endpoint } = await startApp([SealedController], { server: { serializer } });
    const client = await connectClient(endpoint);

    await expect(firstValueFrom(client.send('echo', 'bad'))).rejects.toMatchObject({
      code: 'INTERNAL',
      message: 'The response cannot be encoded.',
    });
    expect(await firstValueFrom(client.send('echo', 'good'))).toBe('good');
  });
});
