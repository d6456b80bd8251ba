import { firstValueFrom } from 'rxjs';
import type { ServerZmq, ZmqServerOptions } from 'nestjs-zeromq';
import { beforeEach, describe, expect, it } from 'vitest';
import { OutgoingPacket, PacketKind, PayloadEncoding } from '../../lib/wire/packet.js';
import { expectToServe, nestedArrays, refuseUnhandledRejections, startEcho } from '../support/echo-app.js';
import { RawPeer, batchOf, controlPacket, eventPacket, requestPacket } from '../support/raw-peer.js';
import { connectClient, until } from '../support/zmq-app.js';
import { fromHex } from '../support/wire.js';

const HELLO = controlPacket(PacketKind.Hello, 0, { version: 1, limits: { maxMessageSize: 1024 * 1024 } });

function packetWith(kind: PacketKind, id: number, encoding: PayloadEncoding, body: Uint8Array): OutgoingPacket {
  return new OutgoingPacket(kind, id, { encoding, body, maxSize: body.byteLength });
}

/** A request for `echo` whose payload is these bytes, claimed to be JSON. */
function echoWithJson(id: number, text: string | Uint8Array): OutgoingPacket {
  return Object.assign(packetWith(PacketKind.Request, id, PayloadEncoding.Json, Buffer.from(text)), {
    pattern: 'echo',
  });
}

function withMetadata(packet: OutgoingPacket, metadata: string): OutgoingPacket {
  return Object.assign(packet, { metadata });
}

refuseUnhandledRejections();

describe('a server that gets bad input in binary mode', () => {
  let server: ServerZmq;
  let endpoint: string;

  async function restart(options: ZmqServerOptions = {}): Promise<void> {
    ({ server, endpoint } = await startEcho(options));
  }

  beforeEach(() => restart());
  const TRUNCATED = batchOf(requestPacket(1, 'echo', 1)).subarray(0, -1);

  it.each<[what: string, reason: string, frames: Uint8Array[]]>([
    ['an empty batch', 'empty batch', [fromHex('f5')]],
    ['half a header', 'truncated packet header', [fromHex('f5 03 00 00')]],
    ['an unknown kind', 'unknown kind of packet', [fromHex('f5 63 00 00000001 00000000')]],
    ['the reserved kind 10', 'unknown kind of packet', [fromHex('f5 0a 00 00000001 00000000')]],
    ['kind 0', 'unknown kind of packet', [fromHex('f5 00 00 00000000 00000000')]],
    ['an unknown flag', 'unknown or misplaced flags', [fromHex('f5 03 80 00000001 00000000')]],
    ['a flag that the kind does not have', 'unknown or misplaced flags', [fromHex('f5 08 01 00000001 00000000')]],
    ['a request with id 0', 'wrong id for this kind of packet', [fromHex('f5 03 00 00000000 00000000')]],
    ['an event with an id', 'wrong id for this kind of packet', [fromHex('f5 04 00 00000001 00000000')]],
    ['a giant body length', 'packet longer than its frame', [fromHex('f5 03 00 00000001 ffffffff')]],
    ['a truncated packet', 'packet longer than its frame', [TRUNCATED]],
    ['a body too short for its fields', 'truncated packet body', [fromHex('f5 03 00 00000001 00000003 000000')]],
    ['a pattern beyond the body', 'truncated packet body', [fromHex('f5 04 00 00000000 00000003 ffff 61')]],
    ['an empty pattern', 'a pattern is non-empty UTF-8', [fromHex('f5 04 00 00000000 00000002 0000')]],
    ['a pattern that is not UTF-8', 'a pattern is non-empty UTF-8', [fromHex('f5 04 00 00000000 00000004 0002 c328')]],
    ['a pattern too long', 'pattern too long', [batchOf(requestPacket(1, 'x'.repeat(257), 1))]],
    [
      'metadata too large',
      'metadata too large',
      [batchOf(withMetadata(requestPacket(1, 'echo', 1), 'x'.repeat(8193)))],
    ],
    ['metadata beyond the body', 'truncated packet body', [fromHex('f5 04 04 00000000 00000005 0001 61 ffff')]],
    ['a payload without encoding', 'payload without encoding', [fromHex('f5 04 00 00000000 00000004 0001 61 31')]],
    [
      'a second frame that nobody announced',
      'a detached payload goes with the last packet, as the second frame',
      [batchOf(requestPacket(1, 'echo', 1)), Buffer.from('x')],
    ],
    [
      'no second frame where one is announced',
      'a detached payload goes with the last packet, as the second frame',
      [fromHex('f5 04 11 00000000 00000003 0001 61')],
    ],
    [
      'three frames',
      'a message has at most two frames',
      [batchOf(requestPacket(1, 'echo', 1)), Buffer.from('x'), Buffer.from('y')],
    ],
    ['credit of nothing', 'credit is a positive u32', [fromHex('f5 09 00 00000001 00000004 00000000')]],
    ['credit of the wrong length', 'credit is a positive u32', [fromHex('f5 09 00 00000001 00000002 0001')]],
    ['a cancel with a body', 'this kind of packet has no body', [fromHex('f5 08 00 00000001 00000001 00')]],
    ['a second hello', 'a packet that only a server sends, or a second hello', [batchOf(HELLO)]],
    [
      'a welcome',
      'a packet that only a server sends, or a second hello',
      [batchOf(controlPacket(PacketKind.Welcome, 0, {}))],
    ],
    [
      'a response',
      'a packet that only a server sends, or a second hello',
      [batchOf(new OutgoingPacket(PacketKind.Response, 1))],
    ],
  ])('answers %s with MALFORMED and ends the session', async (_what, reason, frames) => {
    const reported: string[] = [];
    server.on('malformed', (_peerId, why) => reported.push(why));
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.sendFrames(...frames);
    expect(await peer.nextError()).toEqual({
      id: 0,
      error: { code: 'MALFORMED', message: `Malformed message: ${reason}.` },
    });
    expect(reported).toEqual([reason]);
    expect(server.getStats()).toMatchObject({ malformed: 1, requests: 0, events: 0, peers: 0 });

    await peer.send(requestPacket(1, 'echo', 1));
    expect(await peer.nextError()).toMatchObject({ id: 0, error: { code: 'DISCONNECTED' } });
    await peer.hello();
    await expectToServe(endpoint, peer);
  });

  it('answers a message that is neither a batch nor JSON with MALFORMED', async () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.from([0xf4, 1, 2]),
      Buffer.alloc(10_000, 0xff),
    ]) {
      const peer = new RawPeer(endpoint);
      await peer.sendFrames(bytes);
      expect(await peer.nextJson()).toEqual({
        err: { code: 'MALFORMED', message: 'Malformed message: neither a binary batch nor one frame of JSON.' },
        status: 'error',
        isDisposed: true,
      });
    }
    expect(server.getStats().malformed).toBe(4);
    await expectToServe(endpoint);
  });

  it('serves the packets before a fault and none behind it', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    const good = batchOf(eventPacket('note', 1));
    const behind = batchOf(eventPacket('note', 2)).subarray(1);
    await peer.sendFrames(Buffer.concat([good, fromHex('63 00 00000001 00000000'), behind]));
    expect(await peer.nextError()).toMatchObject({ id: 0, error: { code: 'MALFORMED' } });
    expect(server.getStats()).toMatchObject({ events: 1, malformed: 1 });
    await expectToServe(endpoint);
  });

  it('refuses more packets in a batch than maxBatchPackets', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(...Array.from({ length: 4_097 }, () => new OutgoingPacket(PacketKind.Pong, 0)));
    expect((await peer.nextError()).error).toMatchObject({
      message: 'Malformed message: too many packets in a batch.',
    });
    await expectToServe(endpoint);
  });

  it('aborts what a peer has under way when it breaks the protocol', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'hold', 1));
    await until(() => server.getStats().running === 1);
    await peer.sendFrames(fromHex('f5'));
    await peer.nextError();
    await until(() => server.getStats().cancelled === 1);
    expect(server.getStats().peers).toBe(0);
  });

  it.each<[what: string, reason: string, packet: OutgoingPacket]>([
    ['wrong JSON', 'invalid JSON', echoWithJson(7, '{"a":')],
    ['no JSON', 'invalid JSON', echoWithJson(7, '')],
    ['deep JSON', 'nested too deeply', echoWithJson(7, nestedArrays(33))],
    ['very deep JSON', 'nested too deeply', echoWithJson(7, nestedArrays(500_000))],
    ['too many values', 'too many values', echoWithJson(7, `[${'0,'.repeat(100_001)}0]`)],
    ['an endless number', 'number too long', echoWithJson(7, '1'.repeat(65))],
    ['JSON that is not UTF-8', 'invalid UTF-8', echoWithJson(7, Buffer.from([0x22, 0xc3, 0x28, 0x22]))],
    ['the key __proto__', 'forbidden key', echoWithJson(7, '{"__proto__":{"polluted":1}}')],
    ['the key constructor', 'forbidden key', echoWithJson(7, '{"a":[{"constructor":1}]}')],
    ['the key prototype, escaped', 'forbidden key', echoWithJson(7, '{"protot\\u0079pe":1}')],
    [
      'metadata that is no object',
      'metadata is not an object of strings',
      withMetadata(requestPacket(7, 'echo', 1), '[]'),
    ],
    [
      'metadata of numbers',
      'metadata is not an object of strings',
      withMetadata(requestPacket(7, 'echo', 1), '{"a":1}'),
    ],
    ['metadata with __proto__', 'forbidden key', withMetadata(requestPacket(7, 'echo', 1), '{"__proto__":"x"}')],
  ])('answers a request with %s with MALFORMED and keeps the session', async (_what, reason, packet) => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(packet);
    expect(await peer.nextError()).toEqual({
      id: 7,
      error: { code: 'MALFORMED', message: `Malformed request: ${reason}.` },
    });
    expect(server.getStats()).toMatchObject({ malformed: 1, requests: 0 });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    await expectToServe(endpoint, peer);
  });

  it('drops and counts an event whose payload does not decode', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    const bad = packetWith(PacketKind.Event, 0, PayloadEncoding.Json, Buffer.from('{'));
    await peer.send(Object.assign(bad, { pattern: 'note' }), eventPacket('note', 1));
    await until(() => server.getStats().events === 1);
    expect(server.getStats().malformed).toBe(1);
    await expectToServe(endpoint, peer);
  });

  it('answers a request in MessagePack that does not decode with MALFORMED', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    // An array that claims four thousand million items.
    const bomb = packetWith(PacketKind.Request, 7, PayloadEncoding.MsgPack, fromHex('dd ff ff ff ff'));
    await peer.send(Object.assign(bomb, { pattern: 'echo' }));
    expect(await peer.nextError()).toMatchObject({ id: 7, error: { code: 'MALFORMED' } });
    await expectToServe(endpoint, peer);
  });

  it('answers an unknown pattern with NO_HANDLER', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(3, 'nobody', 1), eventPacket('nobody', 1));
    expect(await peer.nextError()).toEqual({
      id: 3,
      error: {
        code: 'NO_HANDLER',
        message: 'There is no matching message handler defined in the remote service.',
        details: { pattern: 'nobody' },
      },
    });
    await until(() => server.getStats().unhandled === 2);
    await expectToServe(endpoint, peer);
  });

  it('answers an id that is in use with MALFORMED and leaves the first request alone', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(5, 'hold', 1), requestPacket(5, 'echo', 1));
    expect(await peer.nextError()).toEqual({
      id: 5,
      error: { code: 'MALFORMED', message: 'Malformed request: its id is in use.' },
    });
    expect(server.getStats().running).toBe(1);
    await expectToServe(endpoint, peer);
  });

  it('ignores cancels and credits for ids that it does not know', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(
      controlPacket(PacketKind.Cancel, 99),
      Object.assign(new OutgoingPacket(PacketKind.Credit, 98), { amount: 0xffff_ffff }),
    );
    await expectToServe(endpoint, peer);
    expect(server.getStats().malformed).toBe(0);
  });

  it('answers a request or event before the hello with DISCONNECTED', async () => {
    const peer = new RawPeer(endpoint);
    await peer.send(requestPacket(1, 'echo', 1));
    expect(await peer.nextError()).toMatchObject({ id: 0, error: { code: 'DISCONNECTED' } });
    await peer.send(eventPacket('note', 1));
    expect(await peer.nextError()).toMatchObject({ id: 0, error: { code: 'DISCONNECTED' } });
    expect(server.getStats()).toMatchObject({ requests: 0, events: 0 });
    await peer.hello();
    await expectToServe(endpoint, peer);
  });

  it.each([
    '{}',
    '[]',
    'null',
    '{"limits":null}',
    '{"limits":{"maxMessageSize":63}}',
    '{"limits":{"maxMessageSize":1e99}}',
    '{',
  ])('answers the hello %s with MALFORMED', async text => {
    const peer = new RawPeer(endpoint);
    await peer.send(packetWith(PacketKind.Hello, 0, PayloadEncoding.Json, Buffer.from(text)));
    expect(await peer.nextError()).toEqual({
      id: 0,
      error: { code: 'MALFORMED', message: 'Malformed message: a hello without limits.maxMessageSize.' },
    });
    expect(server.getStats()).toMatchObject({ malformed: 1, peers: 0 });
    await peer.hello();
    await expectToServe(endpoint, peer);
  });

  it('answers more peers than maxPeers with OVERLOADED', async () => {
    await restart({ limits: { maxPeers: 1 } });
    const first = new RawPeer(endpoint);
    await first.hello();
    const second = new RawPeer(endpoint);
    await second.send(HELLO);
    expect(await second.nextError()).toMatchObject({ id: 0, error: { code: 'OVERLOADED' } });
    first.close();
    const third = await connectClient(endpoint, { connectTimeout: 8_000 });
    expect(await firstValueFrom(third.send('echo', 1))).toBe(1);
  });

  it('answers a payload above maxMessageSize with PAYLOAD_TOO_LARGE, limit and size, undecoded', async () => {
    await restart({ limits: { maxMessageSize: '10kb' } });
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'echo', 'x'.repeat(20_000)));
    const { id, error } = await peer.nextError();
    expect(id).toBe(1);
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { limit: 10_240, actual: 20_002 } });
    await peer.send(echoWithJson(2, '['.repeat(20_000)));
    expect(await peer.nextError()).toMatchObject({ id: 2, error: { code: 'PAYLOAD_TOO_LARGE' } });
    await peer.send(eventPacket('note', 'x'.repeat(20_000)));
    await until(() => server.getStats().refused === 3);
    expect(server.getStats()).toMatchObject({ requests: 0, events: 0, malformed: 0 });
    await expectToServe(endpoint, peer);
  });

  it('refuses the same in the client itself, before it is sent', async () => {
    await restart({ limits: { maxMessageSize: '10kb', maxPatternLength: 20, maxMetadataSize: 100 } });
    const client = await connectClient(endpoint);
    await expect(firstValueFrom(client.send('echo', 'x'.repeat(20_000)))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { what: 'payload', limit: 10_240, actual: 20_002 },
    });
    await expect(firstValueFrom(client.emit('note', Buffer.alloc(20_000)))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { what: 'payload', limit: 10_240, actual: 20_000 },
    });
    await expect(firstValueFrom(client.send('x'.repeat(21), 1))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { what: 'pattern', limit: 20, actual: 21 },
    });
    expect(server.getStats()).toMatchObject({ refused: 0, malformed: 0, requests: 0 });
    expect(await firstValueFrom(client.send('echo', 'x'.repeat(10_238)))).toHaveLength(10_238);
  });

  it('cuts off a frame far above maxMessageSize and serves others', async () => {
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.sendFrames(Buffer.alloc(8 * 1024 * 1024, 0xf5));
    await expectToServe(endpoint);
    expect(server.getStats().malformed).toBe(0);
  });
});
