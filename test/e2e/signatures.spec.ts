import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, type Deserializer } from '@nestjs/microservices';
import {
  AllowPeers,
  RateLimit,
  ZmqContext,
  ZmqEvents,
  ZmqModule,
  ZmqPeer,
  ZmqRecordBuilder,
  type ZmqClientOptions,
  type ZmqDenial,
  type ZmqServerOptions,
  type ZmqViolation,
} from 'nestjs-zeromq';
import { firstValueFrom, from, lastValueFrom, toArray, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { PacketKind, type OutgoingPacket } from '../../lib/wire/packet.js';
import { encodePayload } from '../../lib/wire/payload-codec.js';
import { refuseUnhandledRejections } from '../support/echo-app.js';
import { batchOf, eventPacket, jsonOf, RawPeer, requestPacket } from '../support/raw-peer.js';
import { ask, askJson, rejectionOf } from '../support/rejection.js';
import { signed, signingKey, type SignedBy } from '../support/signatures.js';
import { connectClient, createClient, createGate, startApp, until } from '../support/zmq-app.js';

refuseUnhandledRejections();

const PRESS = { name: 'press-7', key: signingKey(1) };
const OVEN = { name: 'oven-1', key: signingKey(3) };
const IDENTITIES = {
  'press-7': { signingKey: signingKey(1), roles: 'press' },
  'oven-1': { signingKey: signingKey(3) },
};
const NOT_ACCEPTED = { code: 'UNAUTHENTICATED', message: 'The signature was not accepted.' };

let heard: unknown[] = [];
let gate = createGate();

@Controller()
class FloorController {
  @MessagePattern('who')
  who(@Payload() data: unknown, @Ctx() context: ZmqContext): unknown {
    const { identity = null, roles } = context.getPeer();
    const isBytes = Buffer.isBuffer(data);
    return {
      identity,
      roles,
      metadata: context.getMetadata() ?? null,
      data: isBytes ? data.toString() : data,
      isBytes,
    };
  }

  @MessagePattern('press')
  @AllowPeers({ roles: 'press' })
  press(@ZmqPeer('identity') name: string): string {
    return name;
  }

  @MessagePattern('ticks')
  @AllowPeers({ identities: 'press-7' })
  ticks(@Payload() count: number): Observable<number> {
    return from(Array.from({ length: count }, (_, index) => index));
  }

  /** Two calls a minute of each identity. */
  @MessagePattern('rated')
  @RateLimit({ points: 2, duration: 60_000, by: 'identity' })
  rated(): boolean {
    return true;
  }

  @MessagePattern('soon')
  @RateLimit({ points: 1, duration: 100, by: 'identity' })
  soon(): boolean {
    return true;
  }

  @MessagePattern('held')
  async held(@ZmqPeer('identity') name: string): Promise<string> {
    await gate.opened;
    return name;
  }

  @EventPattern<string>('heard')
  heard(@Payload() data: unknown, @Ctx() context: ZmqContext): void {
    heard.push([context.getPeer().identity, data]);
  }
}

beforeEach(() => {
  heard = [];
  gate = createGate();
});

async function start(options: ZmqServerOptions = {}) {
  const started = await startApp([FloorController], {
    imports: [ZmqModule.forRoot()],
    server: { identities: IDENTITIES, drainTimeout: 50, ...options },
  });
  const denials: ZmqDenial[] = [];
  const violations: ZmqViolation[] = [];
  started.app.get(ZmqEvents).denials.subscribe(denial => denials.push(denial));
  started.server.on('violation', violation => violations.push(violation));
  return { ...started, denials, violations };
}

const sign = (signing: ZmqClientOptions['signing'] = PRESS): ZmqClientOptions => ({ signing: signing ?? PRESS });

/** A client of the test's own, and what signs for the server that it has found. */
async function connectRaw(endpoint: string, { name, key }: Pick<SignedBy, 'name' | 'key'> = PRESS) {
  const peer = new RawPeer(endpoint);
  const { server } = jsonOf(await peer.hello());
  const by: SignedBy = { name, key, serverId: String(server) };
  return {
    peer,
    by,
    sign: (packet: OutgoingPacket, changes: Partial<SignedBy> = {}) => signed(packet, { ...by, ...changes }),
  };
}

const who = (id = 1): OutgoingPacket => Object.assign(requestPacket(id, 'who', 1), { timeoutMs: 5_000 });

describe('a client with a key to sign with', () => {
  it('is somebody on a connection that proves nothing, and one without is nobody', async () => {
    const { endpoint } = await start();
    const press = await connectClient(endpoint, sign());
    const nobody = await connectClient(endpoint);
    expect(await ask(press, 'who', 1)).toMatchObject({ identity: 'press-7', roles: ['press'], metadata: null });
    expect(await ask(nobody, 'who', 1)).toMatchObject({ identity: null, roles: [] });
    expect(await ask(press, 'press')).toBe('press-7');
    expect(await rejectionOf(ask(nobody, 'press'))).toMatchObject({ code: 'FORBIDDEN' });
  });

  it.each<[string, unknown, Partial<ZmqClientOptions>, object]>([
    ['JSON', { größe: 'ü' }, {}, { data: { größe: 'ü' } }],
    ['MessagePack', { größe: [1.5] }, { encoding: 'msgpack' }, { data: { größe: [1.5] } }],
    ['bytes', Buffer.from('raw'), {}, { data: 'raw', isBytes: true }],
    ['bytes in a frame of their own', Buffer.alloc(100_000, 'x'), {}, { data: 'x'.repeat(100_000), isBytes: true }],
  ])('signs %s', async (_what, data, options, expected) => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint, { ...sign(), ...options });
    expect(await ask(client, 'who', data)).toMatchObject({ identity: 'press-7', ...expected });
  });

  it('has its metadata arrive without the signature', async () => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint, sign());
    const record = new ZmqRecordBuilder(1).setMetadata({ tenant: 'größe"', trace: 't-1' }).build();
    expect(await ask(client, 'who', record)).toMatchObject({ metadata: { tenant: 'größe"', trace: 't-1' } });
  });

  it('keeps signatures from serializers and deserializers of either side', async () => {
    const seen: unknown[] = [];
    const deserializer: Deserializer = { deserialize: packet => (seen.push(packet.metadata), packet) };
    const serializer = { serialize: (packet: { metadata?: unknown }) => (seen.push(packet.metadata), packet) };
    const { endpoint } = await start({ deserializer });
    const client = await connectClient(endpoint, { ...sign(), serializer });
    await ask(client, 'who', new ZmqRecordBuilder(1).setMetadata({ a: 'b' }).build());
    await ask(client, 'who', 1);
    expect(seen).toEqual([{ a: 'b' }, { a: 'b' }, undefined, undefined]);
  });

  it('refuses metadata with the key of signatures', async () => {
    const { endpoint } = await start();
    const client = await connectClient(endpoint);
    const record = new ZmqRecordBuilder(1).setMetadata({ 'zmq-signature': 'x' }).build();
    const refusal = { code: 'INVALID_OPTIONS', message: expect.stringContaining('"zmq-signature"') };
    expect(await rejectionOf(ask(client, 'who', record))).toMatchObject(refusal);
    expect(await rejectionOf(lastValueFrom(client.emit('heard', record)))).toMatchObject(refusal);
  });

  it('refuses what has no room for a signature at the server', async () => {
    const { endpoint } = await start({ limits: { maxMetadataSize: 100 } });
    const client = await connectClient(endpoint, sign());
    const refusal = { code: 'PAYLOAD_TOO_LARGE', details: { what: 'metadata', limit: 100 } };
    expect(await rejectionOf(ask(client, 'who', 1))).toMatchObject(refusal);
  });

  it('signs events, streams and many requests at once', async () => {
    const { endpoint, server } = await start({ signatures: { required: true } });
    const client = await connectClient(endpoint, sign());
    await lastValueFrom(client.emit('heard', 'first'));
    expect(await lastValueFrom(client.send<number>('ticks', 200).pipe(toArray()))).toHaveLength(200);
    const streamed: number[] = [];
    for await (const value of client.stream<number>('ticks', 50, { window: 4 })) {
      streamed.push(value);
    }
    expect(streamed).toHaveLength(50);
    const answers = Array.from({ length: 500 }, (_, index) => ask<{ data: number }>(client, 'who', index));
    expect((await Promise.all(answers)).map(({ data }) => data)).toEqual(answers.map((_, index) => index));
    await until(() => heard.length === 1);
    expect([heard, server.getStats().unauthenticated]).toEqual([[['press-7', 'first']], 0]);
  });

  it('signs anew what a server that shuts down has not begun, for the server that it goes to', async () => {
    const [first, second] = [await start({ drainTimeout: 5_000 }), await start()];
    const client = createClient([first.endpoint, second.endpoint], sign());
    let connected = 0;
    client.on('connect', () => connected++);
    await client.connect();
    await until(() => connected === 2);
    const before = Array.from({ length: 20 }, () => ask(client, 'held'));
    await until(() => [first, second].every(({ server }) => server.getStats().running === 10));
    const closed = first.app.close();
    const after = Array.from({ length: 20 }, () => ask(client, 'held'));
    await until(() => second.server.getStats().running === 30);
    gate.open();
    await closed;
    expect(new Set(await Promise.all([...before, ...after]))).toEqual(new Set(['press-7']));
    expect([first, second].map(({ server }) => server.getStats().unauthenticated)).toEqual([0, 0]);
  });

  it('signs anew what it sends again after a refusal', async () => {
    const { endpoint, server } = await start();
    const client = await connectClient(endpoint, { ...sign(), retry: { attempts: 10, minDelay: 1, maxDelay: 500 } });
    expect(await Promise.all([ask(client, 'soon'), ask(client, 'soon')])).toEqual([true, true]);
    expect(server.getStats()).toMatchObject({ requests: 2, unauthenticated: 0 });
    expect(server.getStats().rateLimited).toBeGreaterThan(0);
  });

  it('is counted by its name, on whichever connection', async () => {
    const { endpoint } = await start();
    const [one, another] = [await connectClient(endpoint, sign()), await connectClient(endpoint, sign())];
    const oven = await connectClient(endpoint, sign(OVEN));
    expect([await ask(one, 'rated'), await ask(another, 'rated'), await ask(oven, 'rated')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(await rejectionOf(ask(one, 'rated'))).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('is named where it is refused', async () => {
    const { endpoint, denials } = await start();
    const oven = await connectClient(endpoint, sign(OVEN));
    expect(await rejectionOf(ask(oven, 'press'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(denials).toMatchObject([{ pattern: 'press', peer: { identity: 'oven-1', roles: [] } }]);
  });
});

describe('a signature', () => {
  const strange: [string, string, (signer: Awaited<ReturnType<typeof connectRaw>>['sign']) => OutgoingPacket][] = [
    ['wrong', 'by another key', by => by(who(), { key: signingKey(9) })],
    ['unknown', 'by an unknown name', by => by(who(), { name: 'stranger' })],
    ['wrong', 'by somebody else’s name', by => by(who(), { name: OVEN.name })],
    ['expired', 'by a clock that is slow', by => by(who(), { fast: -60_000 })],
    ['expired', 'by a clock that is fast', by => by(who(), { fast: 60_000 })],
    ['wrong', 'for another server', by => by(who(), { serverId: 'other' })],
    ['wrong', 'with another pattern', by => Object.assign(by(who()), { pattern: 'press' })],
    ['wrong', 'with another timeout', by => Object.assign(by(who()), { timeoutMs: 5_001 })],
    ['wrong', 'with another payload', by => Object.assign(by(who()), { payload: encodePayload(2, 'json') })],
    [
      'wrong',
      'with other metadata',
      by => {
        const packet = by(Object.assign(who(), { metadata: '{"tenant":"a"}' }));
        return Object.assign(packet, { metadata: packet.metadata.replace('"a"', '"b"') });
      },
    ],
    ['malformed', 'that is none', () => Object.assign(who(), { metadata: '{"zmq-signature":"1.x.y"}' })],
  ];

  it.each(strange)('is not accepted that is %s: %s', async (problem, _how, create) => {
    const { endpoint, server, violations } = await start();
    const { peer, sign: by } = await connectRaw(endpoint);
    await peer.send(create(by));
    expect(await peer.nextError()).toEqual({ id: 1, error: NOT_ACCEPTED });
    expect(server.getStats()).toMatchObject({ requests: 0, refused: 0, unauthenticated: 1 });
    const violation = {
      id: 'A12',
      kind: 'not-authenticated',
      action: 'refuse',
      figures: { reason: `signature-${problem}` },
    };
    expect(violations).toMatchObject([violation]);
    await peer.send(by(who(2)));
    expect(jsonOf(await peer.next(PacketKind.Response))).toMatchObject({ identity: 'press-7' });
  });

  it('is taken once: not again on its connection, on another one, or by another server', async () => {
    const { endpoint } = await start();
    const other = await start();
    const { peer, sign: by } = await connectRaw(endpoint);
    const captured = batchOf(by(who()));
    await peer.sendFrames(captured);
    expect(jsonOf(await peer.next(PacketKind.Response))).toMatchObject({ identity: 'press-7' });
    const [thief, elsewhere] = [await connectRaw(endpoint), await connectRaw(other.endpoint)];
    for (const { peer: sender } of [{ peer }, thief, elsewhere]) {
      await sender.sendFrames(captured);
      expect(await sender.nextError()).toEqual({ id: 1, error: NOT_ACCEPTED });
    }
  });

  it('is not taken again by the same server when that has been started anew', async () => {
    const { endpoint, app } = await start();
    const { peer, sign: by } = await connectRaw(endpoint);
    const captured = batchOf(by(who()));
    await peer.sendFrames(captured);
    await peer.next(PacketKind.Response);
    peer.close();
    await app.close();
    await start({ bind: endpoint });
    const again = await connectRaw(endpoint);
    await again.peer.sendFrames(captured);
    expect(await again.peer.nextError()).toEqual({ id: 1, error: NOT_ACCEPTED });
  });

  it('of an event that is not accepted gives the credit back, and the handler nothing', async () => {
    const { endpoint, server } = await start({ limits: { eventWindow: '1kb' } });
    const { peer, sign: by } = await connectRaw(endpoint);
    await peer.send(by(eventPacket('heard', 'wrong'), { key: signingKey(9) }));
    expect((await peer.next(PacketKind.Credit)).amount).toBeGreaterThan(256);
    await peer.send(by(eventPacket('heard', 'right')));
    await until(() => heard.length > 0);
    expect([heard, server.getStats().unauthenticated]).toEqual([[['press-7', 'right']], 1]);
  });

  it('may be made with each of several keys, and with those that there are at the moment', async () => {
    const [old, next] = [signingKey(1), signingKey(2)];
    const { endpoint, server } = await start({ identities: { 'press-7': { signingKey: [old, next] } } });
    const clients = [
      await connectClient(endpoint, sign()),
      await connectClient(endpoint, sign({ ...PRESS, key: next })),
    ];
    const names = () => Promise.allSettled(clients.map(client => ask<{ identity: string }>(client, 'who')));
    expect(await names()).toMatchObject([{ value: { identity: 'press-7' } }, { value: { identity: 'press-7' } }]);
    server.setIdentities({ 'press-7': { signingKey: next } });
    expect(await names()).toMatchObject([{ reason: NOT_ACCEPTED }, { value: { identity: 'press-7' } }]);
    server.setIdentities({ 'oven-1': { signingKey: signingKey(3) } });
    expect(await names()).toMatchObject([{ reason: NOT_ACCEPTED }, { reason: NOT_ACCEPTED }]);
  });

  it('means nothing, and is seen by nobody, where nobody has a key', async () => {
    const { endpoint } = await start({ identities: {} });
    const client = await connectClient(endpoint, sign());
    const record = new ZmqRecordBuilder(1).setMetadata({ a: 'b' }).build();
    expect(await ask(client, 'who', record)).toMatchObject({ identity: null, metadata: { a: 'b' } });
    const peer = new RawPeer(endpoint);
    const request = { id: '1', pattern: 'who', data: 1, metadata: { 'zmq-signature': 'x', a: 'b' } };
    expect(await askJson(peer, request)).toMatchObject({ response: { metadata: { a: 'b' } } });
  });

  it('holds from the addresses of its identity alone', async () => {
    const identities = { 'press-7': { signingKey: signingKey(1), addresses: '127.0.0.1' } };
    const { endpoint, violations } = await start({ identities, engine: 'gate' });
    const client = await connectClient(endpoint, sign());
    expect(await ask(client, 'who')).toMatchObject({ identity: 'press-7' });
    const { peer, sign: by } = await connectRaw(endpoint.replace('tcp://', 'tcp://127.0.0.2:0;'));
    await peer.send(by(who()));
    expect(await peer.nextError()).toEqual({ id: 1, error: NOT_ACCEPTED });
    expect(violations).toMatchObject([{ address: '127.0.0.2', figures: { reason: 'signature-wrong-address' } }]);
  });

  it('holds in the place of what the connection has proven', async () => {
    const { endpoint } = await start({
      bind: { endpoint: 'tcp://127.0.0.1:*', roles: 'local', mechanism: 'PLAIN' },
      authenticator: { authenticate: () => ({ name: 'gateway', roles: ['forwarder'] }) },
      engine: 'gate',
    });
    const plain = { username: 'gateway', password: 'any' };
    const [gateway, forwarded] = [
      await connectClient(endpoint, { engine: 'gate', plain }),
      await connectClient(endpoint, { engine: 'gate', plain, ...sign() }),
    ];
    expect(await ask(gateway, 'who')).toMatchObject({ identity: 'gateway', roles: ['local', 'forwarder'] });
    expect(await ask(forwarded, 'who')).toMatchObject({ identity: 'press-7', roles: ['local', 'press'] });
  });

  it('is checked once, however long its request waits for a place', async () => {
    const { endpoint, server } = await start({ concurrency: 1 });
    const client = await connectClient(endpoint, sign());
    const first = ask(client, 'held');
    await until(() => server.getStats().running === 1);
    const second = ask(client, 'held');
    gate.open();
    expect([await first, await second]).toEqual(['press-7', 'press-7']);
  });

  it('is not looked at where the payload is larger than any may be', async () => {
    const { endpoint, server } = await start({ limits: { maxMessageSize: 1_000 } });
    const { peer, sign: by } = await connectRaw(endpoint);
    await peer.send(by(requestPacket(1, 'press', 'x'.repeat(2_000)), { key: signingKey(9) }));
    expect(await peer.nextError()).toMatchObject({ id: 1, error: { code: 'PAYLOAD_TOO_LARGE' } });
    expect(server.getStats()).toMatchObject({ unauthenticated: 0, refused: 1 });
  });

  it('may have to wait where more have come than can be remembered', async () => {
    const { endpoint } = await start({ signatures: { maxNonces: 1_000 } });
    const client = await connectClient(endpoint, sign());
    await Promise.all(Array.from({ length: 1_000 }, () => ask(client, 'who')));
    expect(await rejectionOf(ask(client, 'who'))).toMatchObject({ code: 'OVERLOADED', retryable: true });
  });
});

describe('a server that takes signed requests alone', () => {
  it('refuses others, whatever they ask for', async () => {
    const { endpoint, server, violations } = await start({ signatures: { required: true } });
    const client = await connectClient(endpoint);
    const refusal = { code: 'UNAUTHENTICATED', message: 'Only signed requests and events are taken here.' };
    expect(await rejectionOf(ask(client, 'who'))).toMatchObject(refusal);
    expect(await rejectionOf(ask(client, 'nothing'))).toMatchObject(refusal);
    client.emit('heard', 1);
    await until(() => server.getStats().unauthenticated === 3);
    expect(server.getStats()).toMatchObject({ requests: 0, events: 0, unhandled: 0 });
    expect(violations).toMatchObject([{ figures: { reason: 'signature-missing' } }]);
  });

  it('takes nothing in JSON mode, and says why', async () => {
    const { endpoint, server } = await start({ signatures: { required: true } });
    const peer = new RawPeer(endpoint);
    const message = 'Only signed requests and events are taken here, and JSON mode has no signatures.';
    expect(await askJson(peer, { id: '1', pattern: 'who', data: 1 })).toEqual({
      id: '1',
      err: { code: 'UNAUTHENTICATED', message },
      status: 'error',
      isDisposed: true,
    });
    // A REQ socket waits for an answer even to an event.
    await peer.sendFrames(Buffer.alloc(0), Buffer.from(JSON.stringify({ pattern: 'heard', data: 1 })));
    expect(String((await peer.socket.receive())[1])).toBe('{"isDisposed":true}');
    expect([heard, server.getStats().unauthenticated]).toEqual([[], 2]);
  });

  it('serves whoever signs, while others send it wrong signatures as fast as they can', async () => {
    const { endpoint, server } = await start({ signatures: { required: true } });
    const { peer, sign: by } = await connectRaw(endpoint);
    const client = await connectClient(endpoint, sign());
    const flood = Array.from({ length: 10_000 }, (_, index) => by(who(index + 1), { key: signingKey(9) }));
    for (let at = 0; at < flood.length; at += 1_000) {
      await peer.send(...flood.slice(at, at + 1_000));
    }
    for (let index = 0; index < 50; index++) {
      expect(await ask(client, 'who', index)).toMatchObject({ identity: 'press-7', data: index });
    }
    await until(() => server.getStats().unauthenticated > 0);
    expect(await firstValueFrom(client.send('press', {}))).toBe('press-7');
  });
});
