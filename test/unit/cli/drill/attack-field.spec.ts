import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { AttackField } from '../../../../lib/cli/drill/attack-field.js';
import { clientHello } from '../../../../lib/cli/drill/client-hello.js';
import type { Caps } from '../../../../lib/cli/drill/hard-caps.js';
import type { TargetTls } from '../../../../lib/cli/drill/target.js';
import { makeCertificates } from '../../../support/dev-certificates.js';
import { onCleanup, until } from '../../../support/zmq-app.js';

const CAPS: Caps = { openConnections: 10, totalConnections: 100, bytes: 1024 ** 3 };
const PATTERNS = { echo: 'echo', slow: 'echo', burn: 'echo', whoami: 'echo' };

interface Listener {
  readonly server: Server;
  readonly sockets: Socket[];
  readonly port: number;
}

/** A target that accepts, and does nothing else unless told. */
async function listen(onConnection: (socket: Socket) => void = () => undefined): Promise<Listener> {
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => undefined));
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => {
    sockets.forEach(socket => socket.destroy());
    server.close();
  });
  return { server, sockets, port: (server.address() as AddressInfo).port };
}

function createField(
  port: number,
  caps: Partial<Caps> = {},
  sources: readonly string[] = ['127.0.0.2', '127.0.0.3'],
  tls?: TargetTls,
) {
  const stop = new AbortController();
  const options = { host: '127.0.0.1', port, tls, socketType: 'DEALER', patterns: PATTERNS, sources };
  const field = new AttackField({ ...options, caps: { ...CAPS, ...caps }, signal: stop.signal });
  onCleanup(() => field.leave());
  return { field, stop };
}

describe('the ground of an attack', () => {
  it('opens no more connections at a time than its cap', async () => {
    const { port } = await listen();
    const { field } = createField(port, { openConnections: 3 });
    const peers = await Promise.all(Array.from({ length: 5 }, () => field.connect()));
    expect(peers.filter(peer => peer !== undefined)).toHaveLength(3);

    peers[0]?.close();
    await peers[0]?.closed;
    expect(await field.connect()).toBeDefined();
  });

  it('ends the attack at the cap of connections in all', async () => {
    const { port } = await listen();
    const { field } = createField(port, { totalConnections: 2 });
    for (let opened = 0; opened < 2; opened += 1) {
      (await field.connect())?.close();
    }
    expect(field.signal.aborted).toBe(false);
    expect(await field.connect()).toBeUndefined();
    expect(field.signal.aborted).toBe(true);
  });

  it('sends no more bytes in all than its cap', async () => {
    const { port } = await listen(socket => socket.resume());
    const { field } = createField(port, { bytes: 1_000 });
    const peers = [await field.connect(), await field.connect()];
    await Promise.all(peers.map(async peer => peer?.flood(Buffer.alloc(100), () => true)));
    expect(field.outcome.bytesSent).toBe(1_000);
  });

  it('waits for a target that does not read, instead of piling up', async () => {
    const { port } = await listen(socket => socket.pause());
    const { field, stop } = createField(port);
    const peer = await field.connect();
    let writes = 0;
    const flood = peer?.flood(Buffer.alloc(1024 ** 2), () => {
      writes += 1;
      return true;
    });
    await until(() => field.outcome.heldAfterMs !== null);
    // What the kernel holds on both sides of a loopback connection.
    expect(writes).toBeLessThan(32);
    stop.abort();
    field.leave();
    await flood;
  });

  it('comes from the sources in turn', async () => {
    const { port, sockets } = await listen();
    const { field } = createField(port);
    for (const source of [0, 1, 2]) {
      await field.connect({ source });
    }
    await until(() => sockets.length === 3);
    expect(sockets.map(({ remoteAddress }) => remoteAddress)).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.2']);
  });

  it('counts connections that the target closed, and that none is left', async () => {
    const { port } = await listen(socket => socket.once('data', () => socket.resetAndDestroy()));
    const { field } = createField(port);
    const peer = await field.connect();
    await peer?.write(Buffer.of(1));
    await peer?.closed;
    expect(field.outcome).toMatchObject({ opened: 1, closedByTarget: 1, openAtEnd: 0, evicted: true });
  });

  it('does not join a target that closes instead of shaking hands', async () => {
    const { port } = await listen(socket => socket.end());
    const { field } = createField(port);
    expect(await field.join()).toBeUndefined();
    expect(field.outcome).toMatchObject({ joined: 0, opened: 1 });
  });

  it('counts a target that cannot be reached', async () => {
    const { port, server } = await listen();
    server.close();
    await once(server, 'close');
    const { field } = createField(port);
    expect(await field.connect()).toBeUndefined();
    expect(field.outcome).toMatchObject({ failed: 1, opened: 0 });
  });

  it('has connections with and without TLS to a target that speaks it', async () => {
    const certificates = await makeCertificates();
    onCleanup(() => certificates.remove());
    const { cert, key } = certificates.server;
    const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, socket => {
      socket.on('error', () => undefined).pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onCleanup(() => server.close());
    const { field } = createField((server.address() as AddressInfo).port, {}, ['127.0.0.2'], {});
    const said: string[] = [];
    const secured = await field.connect();
    secured?.read(bytes => said.push(String(bytes)));
    await secured?.write(Buffer.from('hello'));
    const raw = await field.dial();
    raw?.read(bytes => said.push(bytes.subarray(0, 1).toString('hex')));
    await raw?.write(await clientHello());
    // The type of a record of the handshake.
    await until(() => said.includes('hello') && said.includes('16'));
    expect(field.outcome).toMatchObject({ opened: 2, failed: 0, openAtEnd: 2 });
    // It sends everything back, greeting and READY among it.
    expect((await field.join())?.joined).toBe(true);
    field.leave();
    await Promise.all([secured?.closed, raw?.closed]);
    expect([secured?.open, raw?.open]).toEqual([false, false]);
  });

  it('lets nobody connect, write or wait once it is over', async () => {
    const { port } = await listen();
    const { field, stop } = createField(port);
    const peer = await field.connect();
    const paused = field.pause(60_000);
    stop.abort();
    await paused;
    expect(await peer?.write(Buffer.of(1))).toBe(false);
    expect(await field.connect()).toBeUndefined();
  });

  it('closes what is open when it leaves, and tells how it was before', async () => {
    const { port } = await listen();
    const { field } = createField(port);
    const peer = await field.connect();
    expect(field.leave()).toMatchObject({ openAtEnd: 1, closedByTarget: 0 });
    await peer?.closed;
    expect(peer?.open).toBe(false);
  });
});
