import { ServerZmq, ZmqStatus, type ZmqServerOptions } from 'nestjs-zeromq';
import { createServer, type AddressInfo } from 'node:net';
import { firstValueFrom, lastValueFrom, map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OutgoingPacket, PacketKind, PayloadEncoding, type IncomingPacket } from '../../lib/wire/packet.js';
import { encodePayload } from '../../lib/wire/payload-codec.js';
import { EchoController, refuseUnhandledRejections } from '../support/echo-app.js';
import { RawServer, WELCOME, batchOf, controlPacket } from '../support/raw-peer.js';
import {
  connectClient,
  createClient,
  elapsed,
  engineOfServer,
  onCleanup,
  startApp,
  until,
} from '../support/zmq-app.js';
import { fromHex } from '../support/wire.js';

const WELCOMED = batchOf(controlPacket(PacketKind.Welcome, 0, WELCOME));

function response(id: number, data: unknown, last = true): Buffer {
  return batchOf(Object.assign(new OutgoingPacket(PacketKind.Response, id, encodePayload(data, 'json')), { last }));
}

function responseOf(id: number, encoding: PayloadEncoding, body: Uint8Array): Buffer {
  const packet = new OutgoingPacket(PacketKind.Response, id, { encoding, body, maxSize: body.byteLength });
  return batchOf(Object.assign(packet, { last: true }));
}

/** Answers every hello with a welcome, and requests with what the test makes of them. */
function serving(answer: (request: IncomingPacket) => Uint8Array[]): RawServer {
  return new RawServer(packets =>
    packets.flatMap(packet => {
      if (packet.kind === PacketKind.Hello) {
        return [[WELCOMED]];
      }
      return packet.kind === PacketKind.Request ? answer(packet).map(frame => [frame]) : [];
    }),
  );
}

refuseUnhandledRejections();

async function expectRecovery(fake: RawServer, client: ReturnType<typeof createClient>): Promise<void> {
  fake.close();
  await startAgain({ bind: fake.endpoint });
  await client.connect();
  expect(await firstValueFrom(client.send('echo', 'real'))).toBe('real');
}

/** The port of a server that has just closed may take a moment to get free. */
async function startAgain(server: ZmqServerOptions): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await startApp([EchoController], { server });
      return;
    } catch (error) {
      if (attempt === 50) {
        throw error;
      }
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

describe('a client of a server that answers garbage', () => {
  it.each<[what: string, frames: Uint8Array[]]>([
    ['a malformed batch', [fromHex('f5 63')]],
    ['no batch at all', [Buffer.from('hello')]],
    ['JSON', [Buffer.from('{"id":"1","response":1}')]],
    ['nothing', [Buffer.alloc(0)]],
    ['a request', [batchOf(Object.assign(new OutgoingPacket(PacketKind.Request, 1), { pattern: 'x' }))]],
    ['an empty welcome', [batchOf(controlPacket(PacketKind.Welcome, 0, {}))]],
    ['a welcome of another version', [batchOf(controlPacket(PacketKind.Welcome, 0, { ...WELCOME, version: 2 }))]],
    ['a welcome without limits', [batchOf(controlPacket(PacketKind.Welcome, 0, { ...WELCOME, limits: null }))]],
    ['a welcome that is not JSON', [fromHex('f5 02 02 00000000 00000001 7b')]],
    ['an error', [batchOf(controlPacket(PacketKind.Error, 0, { code: 'OVERLOADED', message: 'full' }))]],
    ['goaway', [batchOf(controlPacket(PacketKind.Goaway))]],
  ])('fails connect() with DISCONNECTED when the hello is answered by %s, and recovers', async (_what, frames) => {
    const fake = await new RawServer(() => [frames]).open();
    const client = createClient(fake.endpoint, { connectTimeout: 150 });
    await expect(client.connect()).rejects.toMatchObject({ name: 'ZmqException', code: 'DISCONNECTED' });
    await expectRecovery(fake, client);
  });

  it('fails connect() naming the endpoint when the hello is never answered, and recovers', async () => {
    const fake = await new RawServer(() => []).open();
    const client = createClient(fake.endpoint, { connectTimeout: 150 });
    const took = await elapsed(() =>
      expect(client.connect()).rejects.toMatchObject({
        code: 'DISCONNECTED',
        retryable: true,
        message: expect.stringContaining(fake.endpoint) as string,
        details: { endpoints: [fake.endpoint] },
      }),
    );
    expect(took).toBeGreaterThan(130);
    expect(took).toBeLessThan(600);
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await expectRecovery(fake, client);
  });

  it('says that there was no answer, not that nothing was tried', async () => {
    const fake = await new RawServer(() => []).open();
    const client = createClient(fake.endpoint, { connectTimeout: 50 });
    await expect(client.connect()).rejects.toThrow(`No server answered within 50 ms: ${fake.endpoint} (no answer).`);
  });

  it('keeps the deadline of a request that is made while the client closes, and tells its status', async () => {
    const limits = { ...WELCOME.limits, eventWindow: 1 };
    const welcome = batchOf(controlPacket(PacketKind.Welcome, 0, { ...WELCOME, limits }));
    const fake = await new RawServer(packets => (packets[0]?.kind === PacketKind.Hello ? [[welcome]] : [])).open();
    const client = await connectClient(fake.endpoint, { timeout: 400, socket: { linger: 200 } });
    // The second one has to wait for credit, and close() for the second one.
    client.emit('event', 1);
    client.emit('event', 2);
    const closed = client.close();
    const failure = firstValueFrom(client.send('echo', 1)).catch((error: unknown) => error);
    await closed;
    expect(await firstValueFrom(client.status)).toBe(ZmqStatus.CONNECTED);
    expect(await failure).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('fails what is under way with DISCONNECTED when the server turns to garbage, and recovers', async () => {
    const fake = await serving(() => [Buffer.from('garbage')]).open();
    const client = await connectClient(fake.endpoint);
    const reasons: string[] = [];
    client.on('disconnect', (_endpoint, reason) => reasons.push(reason));
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({
      code: 'DISCONNECTED',
      message: expect.stringContaining('malformed') as string,
    });
    expect(reasons).toHaveLength(1);
    await expectRecovery(fake, client);
  });

  it('fails only the request whose response does not decode, with MALFORMED', async () => {
    const fake = await serving(({ id, pattern }) => [
      pattern === 'good' ? response(id, 'fine') : responseOf(id, PayloadEncoding.Json, Buffer.from('{')),
    ]).open();
    const client = await connectClient(fake.endpoint);
    await expect(firstValueFrom(client.send('bad', 1))).rejects.toMatchObject({
      code: 'MALFORMED',
      message: 'Malformed response: invalid JSON.',
    });
    expect(await firstValueFrom(client.send('good', 1))).toBe('fine');
  });

  it('refuses a reply with forbidden keys or too deep', async () => {
    const texts = ['{"__proto__":{"polluted":true}}', '['.repeat(65) + ']'.repeat(65)];
    const fake = await serving(({ id }) => [
      responseOf(id, PayloadEncoding.Json, Buffer.from(texts.shift() ?? 'null')),
    ]).open();
    const client = await connectClient(fake.endpoint);
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({ code: 'MALFORMED' });
    await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(await firstValueFrom(client.send('echo', 1))).toBeNull();
  });

  it('ignores answers to ids that it does not know', async () => {
    const fake = await serving(({ id }) => [
      response(id + 1_000, 'stray'),
      batchOf(controlPacket(PacketKind.Error, id + 1_000, { code: 'X', message: 'stray' })),
      batchOf(new OutgoingPacket(PacketKind.Goaway, id + 1_000)),
      response(id, 'right'),
      response(id, 'twice'),
    ]).open();
    const client = await connectClient(fake.endpoint);
    expect(await firstValueFrom(client.send('echo', 1))).toBe('right');
    expect(await firstValueFrom(client.send('echo', 1))).toBe('right');
  });

  it.each<[object: unknown]>([[{}], [null], [[]], [{ code: 5, message: { a: 1 } }], ['text']])(
    'makes INTERNAL of the error object %j',
    async object => {
      const fake = await serving(({ id }) => [batchOf(controlPacket(PacketKind.Error, id, object))]).open();
      const client = await connectClient(fake.endpoint);
      await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({
        code: 'INTERNAL',
        message: 'The server answered with an error that has no message.',
      });
    },
  );

  it('fails a stream with DISCONNECTED, after its values, when the server vanishes in its middle', async () => {
    const fake = await serving(({ id }) => [response(id, 1, false), response(id, 2, false)]).open();
    const client = await connectClient(fake.endpoint, { timeout: 0 });
    const values: number[] = [];
    const outcome = lastValueFrom(client.send<number>('stream', 1).pipe(map(value => values.push(value)))).catch(
      (error: unknown) => error,
    );
    await until(() => values.length === 2);
    const took = await elapsed(async () => {
      fake.close();
      expect(await outcome).toMatchObject({ code: 'DISCONNECTED', retryable: true });
    });
    expect(took).toBeLessThan(500);
    expect(values).toEqual([1, 2]);
  });
});

describe('a client without a server', () => {
  async function unusedEndpoint(): Promise<string> {
    const listener = createServer();
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    await new Promise(resolve => listener.close(resolve));
    return `tcp://127.0.0.1:${port}`;
  }

  it('rejects connect() with DISCONNECTED within connectTimeout, naming the endpoint, and may try again', async () => {
    const endpoint = await unusedEndpoint();
    const client = createClient(endpoint, { connectTimeout: 200 });
    for (let attempt = 0; attempt < 2; attempt++) {
      const took = await elapsed(() =>
        expect(client.connect()).rejects.toMatchObject({
          code: 'DISCONNECTED',
          message: expect.stringContaining(endpoint) as string,
        }),
      );
      expect(took).toBeGreaterThan(180);
      expect(took).toBeLessThan(500);
    }
    await startApp([EchoController], { server: { bind: endpoint } });
    await client.connect();
    expect(await firstValueFrom(client.status)).toBe(ZmqStatus.CONNECTED);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
  });

  it('rejects connect() when somebody listens who does not speak ZMTP', async () => {
    const listener = createServer(socket =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
    onCleanup(() => listener.close());
    const client = createClient(`tcp://127.0.0.1:${(listener.address() as AddressInfo).port}`, { connectTimeout: 200 });
    await expect(client.connect()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('rejects connect() when the host or path does not exist', async () => {
    for (const endpoint of ['tcp://no-such-host.invalid:5555', 'ipc:///no/such/directory/socket', 'inproc://nobody']) {
      const client = createClient(endpoint, { connectTimeout: 200 });
      await expect(client.connect()).rejects.toMatchObject({
        code: 'DISCONNECTED',
        message: expect.stringContaining(endpoint) as string,
      });
    }
  });

  it('fails requests and events with DISCONNECTED within connectTimeout', async () => {
    const client = createClient(await unusedEndpoint(), { connectTimeout: 200 });
    const took = await elapsed(async () => {
      await expect(firstValueFrom(client.send('echo', 1))).rejects.toMatchObject({ code: 'DISCONNECTED' });
      await expect(firstValueFrom(client.emit('note', 1))).rejects.toMatchObject({ code: 'DISCONNECTED' });
    });
    expect(took).toBeLessThan(900);
  });

  it('stays quiet when nobody looks at a failed connect() or event', async () => {
    const client = createClient(await unusedEndpoint(), { connectTimeout: 50 });
    const failed: string[] = [];
    client.on('eventFailed', pattern => failed.push(pattern));
    client.emit('note', 1);
    await until(() => failed.length > 0);
    expect(failed).toEqual(['note']);
  });
});

describe('a server whose address is taken', () => {
  it('fails listen() with BIND_FAILED, naming the endpoint, and may listen later', async () => {
    const { app, endpoint } = await startApp([EchoController]);
    const second = new ServerZmq({ bind: ['tcp://127.0.0.1:*', endpoint], ...engineOfServer() });
    const listen = () => new Promise<unknown>(resolve => second.listen(resolve));
    expect(await listen()).toMatchObject({
      name: 'ZmqException',
      code: 'BIND_FAILED',
      message: `Cannot bind ${endpoint}: the address is in use (EADDRINUSE).`,
      details: { endpoint },
    });
    expect(second.endpoints).toEqual([]);
    const client = await connectClient(endpoint);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
    await client.close();
    await app.close();
    expect(await listen()).toBeUndefined();
    expect(second.endpoints).toContain(endpoint);
    await second.close();
  });

  it('rejects app.listen()', async () => {
    const { endpoint } = await startApp([EchoController]);
    await expect(startApp([EchoController], { server: { bind: endpoint } })).rejects.toMatchObject({
      code: 'BIND_FAILED',
    });
  });
});
