import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type ConnectionOptions,
  type TLSSocket,
} from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Entrance } from '../../../lib/gate/entrance.js';
import type { GateServerSocket } from '../../../lib/gate/gate-server-socket.js';
import { FakeClock } from '../../support/fake-clock.js';
import { openGateClient } from '../../support/gate-client.js';
import { leftIn, NOTHING_LEFT, openGate } from '../../support/gate.js';
import { GREETING, HANDSHAKE, messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { TestAuthority, type Pems } from '../../support/test-authority.js';
import { enter, openTlsGate, type TlsGate } from '../../support/tls-gate.js';
import { onCleanup, until } from '../../support/zmq-app.js';

let authority: TestAuthority;
let server: Pems;
/** A ClientHello as OpenSSL makes it. */
let hello: Buffer;
beforeAll(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue({ hosts: ['ip:127.0.0.1'] });
  hello = await recordedHello();
});

/** What a client says first. */
async function recordedHello(): Promise<Buffer> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const client = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  client.on('error', () => undefined);
  const [socket] = (await once(listener, 'connection')) as [Socket];
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  listener.close();
  return chunk;
}

/** Connections that have been admitted, and those of them in a handshake. */
const countsOf = (gate: GateServerSocket) => {
  const { connections, halfOpen, connectionBytes } = (gate as unknown as { entrance: Entrance }).entrance;
  return { connections, halfOpen, connectionBytes };
};
const NO_COUNTS = { connections: 0, halfOpen: 0, connectionBytes: 0 };

async function untilNothingIsLeft({ server: gate }: TlsGate) {
  await until(() => countsOf(gate).connections === 0 && gate.usage.connections === 0);
  expect([countsOf(gate), leftIn(gate)]).toEqual([NO_COUNTS, NOTHING_LEFT]);
}

async function plainConnection(endpoint: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(endpoint.split(':').at(-1)) });
  socket.on('error', () => undefined);
  onCleanup(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** `once()` fails at an error, which may come before. */
function untilClosed(socket: Socket): Promise<unknown> {
  return new Promise(resolve => socket.resume().once('close', resolve));
}

/** The version that both agree on, or why they do not. */
async function versionWith(endpoint: string, options: ConnectionOptions): Promise<string> {
  const peer = new RawZmtp(endpoint, { tls: { rejectUnauthorized: false, ...options } });
  const outcome = await peer.connected().then(
    () => (peer.socket as TLSSocket).getProtocol() as string,
    ({ code }: NodeJS.ErrnoException) => code as string,
  );
  peer.socket.destroy();
  return outcome;
}

describe('versions of TLS', () => {
  const OLD = { ciphers: 'DEFAULT@SECLEVEL=0' };

  it.each<[what: string, options: ConnectionOptions, outcome: string]>([
    ['1.3 where nothing else is asked for', {}, 'TLSv1.3'],
    ['1.3', { minVersion: 'TLSv1.3' }, 'TLSv1.3'],
    ['1.2', { maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [
      '1.1, which is refused',
      { ...OLD, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    ],
    [
      '1.0, which is refused',
      { ...OLD, minVersion: 'TLSv1', maxVersion: 'TLSv1' },
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    ],
  ])('may be %s', async (_, options, outcome) => {
    const gate = await openTlsGate({ tls: server });
    expect(await versionWith(gate.endpoint, options)).toBe(outcome);
    const isRefused = outcome.startsWith('ERR');
    expect(gate.log.violations).toMatchObject(
      isRefused ? [{ id: 'A26', kind: 'tls-handshake', figures: { reason: 'ERR_SSL_UNSUPPORTED_PROTOCOL' } }] : [],
    );
    await untilNothingIsLeft(gate);
  });

  it('may be 1.3 alone', async () => {
    const { endpoint, log } = await openTlsGate({ tls: { ...server, minVersion: 'TLSv1.3' } });
    expect(await versionWith(endpoint, { maxVersion: 'TLSv1.2' })).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(await versionWith(endpoint, {})).toBe('TLSv1.3');
    expect(log.kinds).toEqual(['tls-handshake']);
  });

  it('are the client’s to choose as well', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    const { client, isIn } = await enter(endpoint, { ca: authority.cert, minVersion: 'TLSv1.3' });
    expect([isIn, (client.unwrap() as TLSSocket).getProtocol()]).toEqual([true, 'TLSv1.3']);
  });

  it('are named to a client that has none in common with its server', async () => {
    const old = createTlsServer({ ...server, maxVersion: 'TLSv1.2' }).listen(0, '127.0.0.1');
    onCleanup(() => old.close());
    await once(old, 'listening');
    const { port } = old.address() as { port: number };
    const { loss } = await enter(`tls://127.0.0.1:${port}`, { ca: authority.cert, minVersion: 'TLSv1.3' });
    expect(loss).toEqual({
      reason: 'the handshake failed: the connection was closed (ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION)',
      code: undefined,
    });
  });

  it('have ciphers of the user’s choice', async () => {
    const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384';
    const { endpoint } = await openTlsGate({ tls: { ...server, ciphers } });
    const options: ConnectionOptions = { maxVersion: 'TLSv1.2' };
    expect(await versionWith(endpoint, { ...options, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toMatch(
      /HANDSHAKE_FAILURE/,
    );
    expect(await versionWith(endpoint, { ...options, ciphers })).toBe('TLSv1.2');
  });
});

describe('the protocol that a client names (ALPN)', () => {
  it('is zmtp/3.1', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    const { client } = await enter(endpoint, { ca: authority.cert });
    expect((client.unwrap() as TLSSocket).alpnProtocol).toBe('zmtp/3.1');
  });

  it('may be left out', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    expect(await versionWith(endpoint, {})).toBe('TLSv1.3');
  });

  it.each([['h2'], ['http/1.1', 'h2'], ['zmtp/3.0']])('is no other: %s', async (...ALPNProtocols) => {
    const gate = await openTlsGate({ tls: server });
    expect(await versionWith(gate.endpoint, { ALPNProtocols })).toMatch(/ALERT_NO_APPLICATION_PROTOCOL/);
    expect(gate.log.violations).toMatchObject([{ kind: 'tls-handshake', action: 'disconnect' }]);
    await untilNothingIsLeft(gate);
  });

  it('may be one of several', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    expect(await versionWith(endpoint, { ALPNProtocols: ['h2', 'zmtp/3.1'] })).toBe('TLSv1.3');
  });
});

describe('bytes that are no TLS', () => {
  it.each<[what: string, bytes: Buffer]>([
    ['ZMTP', Buffer.concat([HANDSHAKE, messageBytes('never')])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['zeros', Buffer.alloc(1_000)],
    ['a record of another type', Buffer.from([23, 3, 3, 0, 5, 1, 2, 3, 4, 5])],
    ['a record longer than allowed', Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), Buffer.alloc(70_000)])],
    [
      'a ClientHello that lies about its length',
      Buffer.concat([Buffer.from([22, 3, 1, 0, 9, 1, 0xff, 0xff, 0xff]), Buffer.alloc(500)]),
    ],
  ])('such as %s end the connection, and are told once', async (_, bytes) => {
    const gate = await openTlsGate({ tls: server });
    const socket = await plainConnection(gate.endpoint);
    socket.write(bytes);
    await untilClosed(socket);
    expect(gate.log.violations).toMatchObject([
      { id: 'A26', kind: 'tls-handshake', address: '127.0.0.1', action: 'disconnect', count: 1 },
    ]);
    expect(gate.log.violations[0]!.figures.reason).toMatch(/^ERR_SSL_[A-Z0-9_]+$/);
    expect(gate.log.messages).toEqual([]);
    await untilNothingIsLeft(gate);
  });

  it('such as TLS itself end a connection without it', async () => {
    const { server: gate, log, endpoint } = await openGate();
    const { loss } = await enter(endpoint.replace('tcp:', 'tls:'), { ca: authority.cert });
    expect(loss?.reason).toMatch(/^the handshake failed/);
    expect(log.violations).toMatchObject([{ id: 'A12', kind: 'handshake' }]);
    await until(() => gate.usage.connections === 0);
    expect(leftIn(gate)).toEqual(NOTHING_LEFT);
  });

  it('such as those of a client without TLS are told to it as a failed handshake', async () => {
    const gate = await openTlsGate({ tls: server });
    const { log } = openGateClient(gate.endpoint.replace('tls:', 'tcp:'));
    await until(() => log.losses.length === 1);
    expect(log.losses[0]).toMatch(/^the handshake failed/);
    await untilNothingIsLeft(gate);
  });
});

describe('a peer that leaves', () => {
  const stages: readonly [
    stage: string,
    leave: (endpoint: string, untilOpen: () => Promise<void>) => Promise<unknown>,
    reason: string | undefined,
  ][] = [
    ['before it says anything', async endpoint => (await plainConnection(endpoint)).destroy(), undefined],
    ['with a reset before that', async endpoint => (await plainConnection(endpoint)).resetAndDestroy(), undefined],
    [
      'within its ClientHello',
      async endpoint => {
        const socket = await plainConnection(endpoint);
        socket.end(hello.subarray(0, 100));
      },
      'broken off',
    ],
    [
      'after its ClientHello',
      async endpoint => {
        const socket = await plainConnection(endpoint);
        socket.write(hello);
        await once(socket, 'data');
        socket.destroy();
      },
      'broken off',
    ],
    [
      'with a reset after its ClientHello',
      async endpoint => {
        const socket = await plainConnection(endpoint);
        socket.write(hello);
        await once(socket, 'data');
        socket.resetAndDestroy();
      },
      'broken off',
    ],
    [
      'when TLS is ready',
      async (endpoint, untilOpen) => {
        const peer = new RawZmtp(endpoint);
        await peer.connected();
        await untilOpen();
        peer.socket.destroy();
      },
      undefined,
    ],
    [
      'after its greeting',
      async endpoint => {
        const peer = new RawZmtp(endpoint);
        peer.write(GREETING);
        await until(() => peer.bytes > 64);
        peer.socket.destroy();
      },
      undefined,
    ],
  ];

  it.each(stages)('%s leaves nothing behind', async (_, leave, reason) => {
    const gate = await openTlsGate({ tls: server });
    await leave(gate.endpoint, () => until(() => gate.server.usage.connections === 1));
    await untilNothingIsLeft(gate);
    const reasons = gate.log.violations.map(({ kind, figures }) => [kind, figures.reason]);
    expect(reasons).toEqual(reason === undefined ? [] : [['tls-handshake', reason]]);
    expect(await versionWith(gate.endpoint, {})).toBe('TLSv1.3');
  });
});

describe('a handshake that takes too long', () => {
  it.each<[what: string, drip: Buffer | undefined]>([
    ['that says nothing', undefined],
    ['whose bytes trickle in', Buffer.alloc(1, 22)],
  ])('of a peer %s is given up', async (_, drip) => {
    const clock = new FakeClock();
    const gate = await openTlsGate({ tls: server, clock, socket: { handshakeInterval: 2_000 } });
    const socket = await plainConnection(gate.endpoint);
    const closed = untilClosed(socket);
    await until(() => countsOf(gate.server).halfOpen === 1);
    for (let passed = 0; passed < 1_900; passed += 100) {
      if (drip !== undefined) {
        await new Promise(resolve => socket.write(hello.subarray(passed / 100, passed / 100 + 1), resolve));
      }
      clock.advance(100);
    }
    expect(gate.log.violations).toEqual([]);
    clock.advance(130);
    await closed;
    expect(gate.log.violations).toMatchObject([
      { id: 'A5', kind: 'handshake-timeout', figures: { reason: 'ERR_TLS_HANDSHAKE_TIMEOUT' } },
    ]);
    await untilNothingIsLeft(gate);
  });

  it('has no more time for ZMTP than TLS has left it', async () => {
    const clock = new FakeClock();
    const gate = await openTlsGate({ tls: server, clock, socket: { handshakeInterval: 2_000 } });
    const carrier = await plainConnection(gate.endpoint);
    await until(() => countsOf(gate.server).halfOpen === 1);
    clock.advance(1_500);
    const peer = new RawZmtp(gate.endpoint, { tls: { socket: carrier, rejectUnauthorized: false } });
    await peer.connected();
    await until(() => gate.server.usage.connections === 1);
    clock.advance(450);
    expect(gate.log.violations).toEqual([]);
    clock.advance(80);
    await peer.untilEnded();
    expect(gate.log.kinds).toEqual(['handshake-timeout']);
    await untilNothingIsLeft(gate);
  });

  it('counts from its turn, and those that get none in time are not blamed', async () => {
    const clock = new FakeClock();
    const gate = await openTlsGate({
      tls: server,
      clock,
      socket: { handshakeInterval: 2_000 },
      gate: { handshakeRate: 1, ban: { after: 1 } },
    });
    const sockets = [await plainConnection(gate.endpoint)];
    await until(() => countsOf(gate.server).halfOpen === 1);
    sockets.push(await plainConnection(gate.endpoint), await plainConnection(gate.endpoint));
    sockets.push(await plainConnection(gate.endpoint));
    await until(() => countsOf(gate.server).halfOpen === 4);
    sockets[0]!.destroy();
    await until(() => countsOf(gate.server).halfOpen === 3);
    clock.advance(1_050);
    // One of them had its turn a second after the first one, and is in its handshake now.
    clock.advance(900);
    expect(gate.log.violations).toEqual([]);
    clock.advance(100);
    expect(gate.log.violations).toMatchObject([
      { kind: 'handshake-timeout', action: 'disconnect', figures: { reason: 'no turn' } },
    ]);
    await until(() => countsOf(gate.server).halfOpen < 3);
    clock.advance(2_000);
    expect(gate.log.violations.at(-1)).toMatchObject({
      action: 'ban',
      figures: { reason: 'ERR_TLS_HANDSHAKE_TIMEOUT' },
    });
    await untilNothingIsLeft(gate);
  });
});

describe('limits of half-open connections', () => {
  it('count those that have not finished TLS', async () => {
    const gate = await openTlsGate({ tls: server, gate: { maxHalfOpenPerAddress: 3 } });
    const sockets = await Promise.all([1, 2, 3, 4, 5].map(() => plainConnection(gate.endpoint)));
    await until(() => sockets.filter(socket => socket.resume().destroyed).length === 2);
    expect(gate.log.violations).toMatchObject([{ id: 'A5', kind: 'half-open', figures: { limit: 3, actual: 4 } }]);
    sockets.forEach(socket => socket.destroy());
    await untilNothingIsLeft(gate);
  });
});

describe('an address that is shut out for its handshakes', () => {
  it('loses what else it has open, and gets no answer', async () => {
    const gate = await openTlsGate({ tls: server, gate: { policies: { 'tls-handshake': 'ban' }, tarpitTime: 60_000 } });
    const open = await RawZmtp.open(gate.endpoint);
    const other = await RawZmtp.open(gate.endpoint, { localAddress: '127.0.0.2' });
    const pending = new RawZmtp(gate.endpoint);
    await pending.connected();
    const bad = await plainConnection(gate.endpoint);
    bad.write('nonsense');
    await Promise.all([open.untilEnded(), pending.untilEnded()]);
    expect(gate.log.violations).toMatchObject([{ kind: 'tls-handshake', action: 'ban' }]);
    const shutOut = new RawZmtp(gate.endpoint);
    await shutOut.reached();
    other.send('still here');
    await until(() => gate.log.messages.length === 1);
    expect([shutOut.bytes, shutOut.hasEnded]).toEqual([0, false]);
  });

  it('is closed where it should have been left waiting, which is told as it is', async () => {
    const gate = await openTlsGate({ tls: server, gate: { policies: { 'tls-handshake': 'tarpit' } } });
    const bad = await plainConnection(gate.endpoint);
    bad.write('nonsense');
    await untilClosed(bad);
    expect(gate.log.violations).toMatchObject([{ kind: 'tls-handshake', action: 'disconnect' }]);
  });
});

const openHandles = () => process.getActiveResourcesInfo().filter(name => name.startsWith('TCP'));

describe('closing a gate with handshakes under way', () => {
  it('frees the port, and leaves no timer, no connection and nobody to blame', async () => {
    const gate = await openTlsGate({ tls: { ...server, reloadInterval: 60_000 }, gate: { handshakeRate: 2 } });
    const sockets = await Promise.all([1, 2, 3, 4].map(() => plainConnection(gate.endpoint)));
    const closed = sockets.map(untilClosed);
    await until(() => countsOf(gate.server).halfOpen === 4);
    sockets[0]!.write(hello);
    await gate.server.close();
    await Promise.all(closed);
    expect([countsOf(gate.server), leftIn(gate.server), gate.log.violations]).toEqual([NO_COUNTS, NOTHING_LEFT, []]);
    const next = createServer().listen(Number(gate.endpoint.split(':').at(-1)), '127.0.0.1');
    await once(next, 'listening');
    next.close();
    await once(next, 'close');
    await until(() => openHandles().length === 0);
  });
});
