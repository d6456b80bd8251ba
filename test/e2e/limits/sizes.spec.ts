import { Controller, type PipeTransform, type Type } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { MaxMessageSize, MaxResponseSize, ZmqModule, type ZmqServerOptions } from 'nestjs-zeromq';
import { from, lastValueFrom, tap, toArray, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { PacketKind } from '../../../lib/wire/packet.js';
import { eventPacket, jsonOf, RawPeer, requestPacket } from '../../support/raw-peer.js';
import { ask, askJson, rejectionOf, textPacket } from '../../support/rejection.js';
import { connectClient, startApp, until, type StartAppOptions, type ZmqApp } from '../../support/zmq-app.js';

/** What handlers were given, and what pipes were. */
let ran: unknown[] = [];

class BaseController {
  @MessagePattern('inherited')
  inherited(@Payload() data: string): number {
    return data.length;
  }
}

@Controller()
@MaxMessageSize('2kb')
class SizesController extends BaseController {
  @MessagePattern('small')
  @MaxMessageSize(100)
  small(@Payload() data: string): number {
    ran.push(data);
    return data.length;
  }

  @MessagePattern('medium')
  medium(@Payload() data: string): number {
    return data.length;
  }

  @EventPattern('noted')
  @MaxMessageSize(100)
  noted(@Payload() data: string): void {
    ran.push(data);
  }

  @MessagePattern('answer')
  @MaxResponseSize(100)
  answer(@Payload() length: number): string {
    return 'x'.repeat(length);
  }

  @MessagePattern('values')
  @MaxResponseSize(100)
  values(@Payload() lengths: number[]): Observable<string> {
    return from(lengths.map(length => 'x'.repeat(length)));
  }
}

@Controller()
class FreeController {
  @MessagePattern('free')
  free(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('own')
  @MaxMessageSize('4kb')
  own(@Payload() data: string): number {
    return data.length;
  }
}

@Controller()
@MaxMessageSize(200)
class HeirController extends SizesController {}

const witness: PipeTransform = {
  transform: (value: unknown) => {
    ran.push('pipe');
    return value;
  },
};

/** A string that takes so many bytes as JSON. */
const text = (bytes: number) => 'x'.repeat(bytes - 2);

beforeEach(() => {
  ran = [];
});

describe.each<NonNullable<ZmqServerOptions['engine']>>(['gate', 'zeromq'])('sizes of handlers, engine %s', engine => {
  const start = (options: StartAppOptions = {}, controllers: readonly Type[] = [SizesController]): Promise<ZmqApp> =>
    startApp(controllers, { imports: [ZmqModule.forRoot()], ...options, server: { engine, ...options.server } });

  async function connectRaw(options?: StartAppOptions): Promise<{ peer: RawPeer; app: ZmqApp }> {
    const app = await start(options);
    const peer = new RawPeer(app.endpoint);
    await peer.hello();
    return { peer, app };
  }

  it('takes what has just the size, and refuses a byte more with limit and actual size', async () => {
    const { peer, app } = await connectRaw();
    await peer.send(requestPacket(1, 'small', text(100)), requestPacket(2, 'small', text(101)));
    expect(await peer.nextError()).toEqual({
      id: 2,
      error: {
        code: 'PAYLOAD_TOO_LARGE',
        message: expect.stringContaining('101 bytes') as string,
        details: { limit: 100, actual: 101 },
      },
    });
    await until(() => ran.length === 1);
    expect(ran).toEqual([text(100)]);
    expect(app.server.getStats()).toMatchObject({ requests: 1, refused: 1 });
  });

  it('puts a method before its controller, and a controller before one that it extends', async () => {
    const { peer } = await connectRaw();
    await peer.send(requestPacket(1, 'medium', text(2_049)));
    expect((await peer.nextError()).error).toMatchObject({ details: { limit: 2_048, actual: 2_049 } });
    await peer.send(requestPacket(2, 'inherited', text(2_049)));
    expect((await peer.nextError()).error).toMatchObject({ details: { limit: 2_048 } });
    const { endpoint } = await start({}, [HeirController]);
    const other = new RawPeer(endpoint);
    await other.hello();
    await other.send(requestPacket(1, 'medium', text(201)), requestPacket(2, 'small', text(101)));
    expect((await other.nextError()).error).toMatchObject({ details: { limit: 200 } });
    expect((await other.nextError()).error).toMatchObject({ details: { limit: 100 } });
  });

  it('has a size for all handlers that say none', async () => {
    const imports = [ZmqModule.forRoot({ limits: { maxMessageSize: '1kb' } })];
    const { endpoint } = await start({ imports }, [FreeController]);
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'free', text(1_025)), requestPacket(2, 'own', text(4_096)));
    expect((await peer.nextError()).error).toMatchObject({ details: { limit: 1_024 } });
    expect((await peer.next(PacketKind.Response)).id).toBe(2);
  });

  it('refuses to start when a handler would take more than its server', async () => {
    await expect(start({ server: { limits: { maxMessageSize: '1kb' } } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/maxMessageSize of the handler of '(medium|inherited)' \(2048\).*1024/) as string,
    });
  });

  it('does not decode what is too large', async () => {
    const { peer, app } = await connectRaw();
    await peer.send(textPacket('small', '{'.repeat(101), 1), textPacket('small', '{', 2));
    expect((await peer.nextError()).error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect((await peer.nextError()).error).toMatchObject({ code: 'MALFORMED' });
    expect(app.server.getStats()).toMatchObject({ malformed: 1, refused: 1 });
  });

  it('runs neither pipes nor handlers for what is too large', async () => {
    const { peer } = await connectRaw({ configure: app => app.useGlobalPipes(witness) });
    await peer.send(requestPacket(1, 'small', text(101)));
    await peer.nextError();
    expect(ran).toEqual([]);
    await peer.send(requestPacket(2, 'small', text(100)));
    await peer.next(PacketKind.Response);
    expect(ran).toEqual(['pipe', text(100)]);
  });

  it('drops an event that is too large, and counts it', async () => {
    const { peer, app } = await connectRaw();
    await peer.send(eventPacket('noted', text(101)), eventPacket('noted', 'fits'));
    await until(() => ran.length === 1);
    expect(ran).toEqual(['fits']);
    expect(app.server.getStats()).toMatchObject({ events: 1, refused: 1 });
  });

  it('counts the bytes of data as JSON in JSON mode', async () => {
    const { endpoint } = await start();
    const peer = new RawPeer(endpoint);
    expect(await askJson(peer, { id: '1', pattern: 'small', data: text(100) })).toMatchObject({ response: 98 });
    expect(await askJson(peer, { id: '2', pattern: 'small', data: text(101) })).toMatchObject({
      id: '2',
      status: 'error',
      err: { code: 'PAYLOAD_TOO_LARGE', details: { limit: 100, actual: 101 } },
    });
    await peer.sendFrames(
      Buffer.from(
        JSON.stringify([
          { id: '3', pattern: 'small', data: text(101) },
          { pattern: 'noted', data: text(101) },
          { id: '4', pattern: 'small', data: text(10) },
        ]),
      ),
    );
    expect(await peer.nextJson()).toMatchObject({ id: '3', err: { code: 'PAYLOAD_TOO_LARGE' } });
    expect(await peer.nextJson()).toMatchObject({ id: '4', response: 8 });
    expect(ran).toEqual([text(100), text(10)]);
  });

  it('tells clients the sizes, which refuse what is larger by themselves', async () => {
    const { endpoint, server } = await start();
    const client = await connectClient(endpoint);
    expect(await ask(client, 'small', text(100))).toBe(98);
    expect(await rejectionOf(ask(client, 'small', text(101)))).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { limit: 100, actual: 101, pattern: 'small' },
    });
    expect(server.getStats()).toMatchObject({ requests: 1, refused: 0 });
    const peer = new RawPeer(endpoint);
    expect(jsonOf(await peer.hello())).toMatchObject({
      limits: { maxSizes: { small: 100, noted: 100, medium: 2_048, answer: 2_048, inherited: 2_048 } },
    });
  });

  it('turns an answer that is too large into an error', async () => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint);
    expect(await ask(client, 'answer', 98)).toHaveLength(98);
    expect(await rejectionOf(ask(client, 'answer', 101))).toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
      details: { limit: 100 },
    });
    const peer = new RawPeer(endpoint);
    expect(await askJson(peer, { id: '1', pattern: 'answer', data: 10 })).toMatchObject({ response: 'x'.repeat(10) });
    expect(await askJson(peer, { id: '2', pattern: 'answer', data: 101 })).toMatchObject({
      id: '2',
      err: { code: 'RESPONSE_TOO_LARGE', details: { limit: 100 } },
    });
  });

  it('ends a stream at the value that is too large', async () => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint);
    expect(await lastValueFrom(client.send<string>('values', [10, 98]).pipe(toArray()))).toHaveLength(2);
    const values: string[] = [];
    const answer = client.send<string>('values', [10, 20, 101, 5]).pipe(tap(value => values.push(value)));
    expect(await rejectionOf(lastValueFrom(answer))).toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
    expect(values.map(({ length }) => length)).toEqual([10, 20]);
  });
});
