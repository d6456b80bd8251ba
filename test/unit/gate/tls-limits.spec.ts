import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../lib/gate/connection.js';
import type { GateServerSocket } from '../../../lib/gate/gate-server-socket.js';
import { leftIn, NOTHING_LEFT } from '../../support/gate.js';
import { GREETING, longHeader, messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver } from '../../support/transports.js';
import { until } from '../../support/zmq-app.js';

const KIBI = 1024;
const MEBI = KIBI ** 2;
const openGate = gateOver('tls');

/** The server's end of the only connection. */
function connectionOf(server: GateServerSocket): Connection {
  const [connection] = (server as unknown as { connections: Map<string, Connection> }).connections.values();
  return connection as Connection;
}

/** Bytes of it that the system has delivered. */
function bytesOnTheWire(server: GateServerSocket): number {
  const { encrypted } = connectionOf(server) as unknown as { encrypted: { carrier: Socket } };
  return encrypted.carrier.bytesRead;
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) {
    await new Promise(resolve => setImmediate(resolve));
  }
};

describe('an encrypted connection that is not read', () => {
  it('keeps nothing that is not counted', async () => {
    const { server, log, endpoint } = await openGate({ maxMessageSize: MEBI });
    log.onMessage = () => server.pause();
    const client = await RawZmtp.open(endpoint);
    client.write(messageBytes('first'), messageBytes(Buffer.alloc(MEBI, 1)), messageBytes(Buffer.alloc(MEBI, 2)));
    await until(() => log.messages.length === 1);
    await turns(50);
    const { socket } = connectionOf(server);
    const wire = bytesOnTheWire(server);
    await turns(50);
    expect([socket.readableLength, bytesOnTheWire(server)]).toEqual([0, wire]);
    // One read, whatever is in it, and what TLS makes of it is charged.
    expect(wire).toBeLessThan(200 * KIBI);
    expect(server.ledger.receiving.used).toBeGreaterThan(wire / 2);
    log.onMessage = undefined;
    server.resume();
    await until(() => log.messages.length === 3);
    expect(log.messages.map(({ frames }) => frames[0]!.length)).toEqual([5, MEBI, MEBI]);
    client.socket.destroy();
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('has its stash worked off in order, records of any size in it', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.send('open');
    await until(() => log.messages.length === 1);
    server.pause();
    const texts = Array.from({ length: 2_000 }, (_, index) => String(index));
    for (const text of texts) {
      client.socket.write(messageBytes(text));
    }
    await turns(20);
    server.resume();
    await until(() => log.messages.length === texts.length + 1);
    expect(log.texts.flat().slice(1)).toEqual(texts);
    expect(server.stashes.bytes).toBe(0);
  });

  it('is read again after each pause', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    for (let count = 1; count <= 20; count++) {
      server.pause();
      client.send(String(count));
      await turns(10);
      server.resume();
      await until(() => log.messages.length === count);
    }
    expect(log.violations).toEqual([]);
  });

  it('is left so by a tarpit, that takes no more of it', async () => {
    const { server, log, endpoint } = await openGate({ gate: { policies: { framing: 'tarpit' }, tarpitTime: 60_000 } });
    const client = await RawZmtp.open(endpoint);
    await until(() => connectionOf(server) !== undefined);
    const connection = connectionOf(server);
    client.write(Buffer.of(0xff));
    await log.untilViolation('framing');
    const { socket } = connection;
    client.write(Buffer.alloc(8 * MEBI));
    await turns(100);
    const { encrypted } = connection as unknown as { encrypted: { carrier: Socket } };
    expect(encrypted.carrier.bytesRead).toBeLessThan(200 * KIBI);
    expect([socket.readableLength, client.hasEnded]).toEqual([0, false]);
    await server.close();
    await client.untilEnded();
  });

  it('goes to the tarpit right behind an answer, which its peer still gets', async () => {
    const { log, endpoint } = await openGate({ gate: { policies: { handshake: 'tarpit' }, tarpitTime: 60_000 } });
    const client = new RawZmtp(endpoint);
    await client.connected();
    client.write(GREETING, messageBytes('no READY'));
    expect(await log.untilViolation('handshake')).toMatchObject({ action: 'tarpit' });
    await until(() => client.bytes >= GREETING.length);
    expect(client.hasEnded).toBe(false);
  });
});

describe('what waits for an encrypted peer', () => {
  it('is charged as it was given and as it was encrypted, and given back', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.send('hello');
    await until(() => log.messages.length === 1);
    await until(() => server.ledger.held.used === 0);
    void server.send(log.messages[0]!.peerId, [Buffer.alloc(100 * KIBI)]);
    await turns(0);
    await Promise.resolve();
    expect(server.ledger.held.used).toBeGreaterThanOrEqual(2 * 100 * KIBI);
    await until(() => client.messages.length === 1);
    await until(() => server.ledger.held.used === 0);
    expect(server.wheel.size).toBe(0);
  });

  it('may be of any size, in many frames', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.send('hello');
    await until(() => log.messages.length === 1);
    const sizes = [0, 1, 255, 256, 8 * KIBI, 8 * KIBI + 1, 64 * KIBI, 200 * KIBI];
    const frames = sizes.map((size, index) => Buffer.alloc(size, 97 + index));
    for (let count = 0; count < 3; count++) {
      await server.send(log.messages[0]!.peerId, frames);
    }
    await until(() => client.messages.length === 3);
    expect(client.messages).toEqual(Array.from({ length: 3 }, () => frames.map(String)));
  });
});

describe('bytes that are no records, once there is TLS', () => {
  it.each<[what: string, bytes: Buffer, reason: string]>([
    ['a record that was changed', Buffer.concat([Buffer.from([23, 3, 3, 0, 64]), Buffer.alloc(64)]), 'BAD_RECORD_MAC'],
    ['no record', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'ERR_SSL_'],
    ['a ClientHello', Buffer.concat([Buffer.from([22, 3, 1, 0, 5]), Buffer.from([1, 0, 0, 1, 0])]), 'ERR_SSL_'],
  ])('such as %s end the connection, with a report', async (_, bytes, reason) => {
    const { server, log, endpoint } = await openGate();
    const carrier = connect({ host: '127.0.0.1', port: Number(endpoint.split(':').at(-1)) });
    await once(carrier, 'connect');
    const client = await RawZmtp.open(endpoint, { tls: { socket: carrier, rejectUnauthorized: false } });
    carrier.write(bytes);
    await client.untilEnded();
    expect(log.violations).toMatchObject([
      { id: 'A12', kind: 'framing', address: '127.0.0.1', figures: { reason: expect.stringContaining(reason) } },
    ]);
    expect(log.gone).toMatchObject([{ why: 'framing' }]);
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });
});

describe('a peer that ends its side', () => {
  it('has the answer to what it sent before', async () => {
    const { server, log, endpoint } = await openGate();
    log.onMessage = (peerId, frames) => void server.send(peerId, frames);
    const client = await RawZmtp.open(endpoint);
    client.socket.end(messageBytes('last'));
    await client.untilEnded();
    await until(() => log.gone.length === 1);
    expect([log.texts, log.violations]).toEqual([[['last']], []]);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('within a message is forgotten, with what it began', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.socket.end(Buffer.concat([longHeader(0, 60_000n), Buffer.alloc(100)]));
    await until(() => log.gone.length === 1);
    expect([log.messages, leftIn(server)]).toEqual([[], NOTHING_LEFT]);
  });

  it('by a reset is forgotten as well', async () => {
    const { server, log, endpoint } = await openGate();
    const carrier = connect({ host: '127.0.0.1', port: Number(endpoint.split(':').at(-1)) });
    await once(carrier, 'connect');
    const client = await RawZmtp.open(endpoint, { tls: { socket: carrier, rejectUnauthorized: false } });
    server.pause();
    client.write(messageBytes('never read'));
    await turns(10);
    carrier.resetAndDestroy();
    server.resume();
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
    expect(log.violations).toEqual([]);
  });
});
