import { Controller, Injectable, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { BeforeApplicationShutdown, INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ServerZmq, ZmqException, ZmqStatus, type ZmqServerOptions } from 'nestjs-zeromq';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Router } from 'zeromq';
import { connectClient, createClient, createGate, engineOfServer, onCleanup, until } from '../support/zmq-app.js';

let log: string[] = [];
let gate = createGate();

@Injectable()
class Hooks implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
  onModuleDestroy(): void {
    log.push('onModuleDestroy');
  }
  beforeApplicationShutdown(signal?: string): void {
    log.push(`beforeApplicationShutdown ${signal ?? 'by close()'}`);
  }
  onApplicationShutdown(signal?: string): void {
    log.push(`onApplicationShutdown ${signal ?? 'by close()'}`);
  }
}

@Controller()
class LifecycleController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('slow')
  async slow(): Promise<string> {
    log.push('handler began');
    await gate.opened;
    log.push('handler ended');
    return 'done';
  }
}

@Module({ controllers: [LifecycleController], providers: [Hooks] })
class LifecycleModule {}

beforeEach(() => {
  log = [];
  gate = createGate();
});

async function create(options: ZmqServerOptions): Promise<{ app: INestMicroservice; server: ServerZmq }> {
  const server = new ServerZmq({ ...engineOfServer(), ...options });
  server.on('close', () => log.push('server closed'));
  const app = await NestFactory.createMicroservice(LifecycleModule, {
    strategy: server,
    logger: false,
    abortOnError: false,
  });
  onCleanup(() => app.close());
  return { app, server };
}

async function start(options: ZmqServerOptions = { bind: 'tcp://127.0.0.1:*' }) {
  const created = await create(options);
  await created.app.listen();
  return { ...created, endpoint: created.server.endpoints[0] as string };
}

async function listenOnAnyPort(): Promise<Server> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onCleanup(() => other.close());
  return other;
}

function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zmq-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  return join(folder, 'socket');
}

const echo = async (endpoint: string, data: unknown) => {
  const client = createClient(endpoint);
  return firstValueFrom(client.send('echo', data));
};

describe('app.listen() with ServerZmq', () => {
  it('rejects with BIND_FAILED, naming the endpoint, when another program has the port', async () => {
    const { port } = (await listenOnAnyPort()).address() as AddressInfo;
    const { app, server } = await create({ bind: `tcp://127.0.0.1:${port}` });
    const listening = app.listen();

    await expect(listening).rejects.toBeInstanceOf(ZmqException);
    await expect(listening).rejects.toMatchObject({
      code: 'BIND_FAILED',
      message: `Cannot bind tcp://127.0.0.1:${port}: the address is in use (EADDRINUSE).`,
      details: { endpoint: `tcp://127.0.0.1:${port}` },
    });
    expect(server.endpoints).toEqual([]);
    expect(await firstValueFrom(server.status)).toBe(ZmqStatus.DISCONNECTED);
  });

  it('rejects when another ServerZmq has the port, which goes on serving', async () => {
    const { endpoint } = await start();
    const { app } = await create({ bind: endpoint });

    await expect(app.listen()).rejects.toMatchObject({ code: 'BIND_FAILED', details: { endpoint } });
    expect(await echo(endpoint, 'mine')).toBe('mine');
  });

  it('rejects when another ServerZmq has the ipc path, which goes on serving', async () => {
    const { endpoint } = await start({ bind: `ipc://${temporaryPath()}` });
    const { app } = await create({ bind: endpoint });

    await expect(app.listen()).rejects.toMatchObject({
      code: 'BIND_FAILED',
      message: expect.stringContaining('EADDRINUSE') as unknown,
      details: { endpoint },
    });
    expect(await echo(endpoint, 'mine')).toBe('mine');
  });

  it('takes over the file of an ipc path that nobody listens on', async () => {
    const bind = `ipc://${temporaryPath()}`;
    const { app } = await start({ bind });
    await app.close();
    await start({ bind });

    expect(await echo(bind, 'again')).toBe('again');
  });

  it.each([
    ['an address of another machine', 'tcp://192.0.2.1:5555'],
    ['a folder that is not there', 'ipc:///nonexistent/folder/socket'],
  ])('rejects for %s', async (_what, bind) => {
    const { app } = await create({ bind, allowInsecure: true });

    await expect(app.listen()).rejects.toMatchObject({ code: 'BIND_FAILED', details: { endpoint: bind } });
  });

  it('frees what it had bound when a later endpoint fails, and works once that is free', async () => {
    const other = await listenOnAnyPort();
    const taken = `tcp://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const path = temporaryPath();
    const { app, server } = await create({ bind: [`ipc://${path}`, taken] });

    await expect(app.listen()).rejects.toMatchObject({ code: 'BIND_FAILED', details: { endpoint: taken } });
    await expect(once(connect(path), 'connect')).rejects.toMatchObject({
      // Bound and let go of, or never bound.
      code: expect.stringMatching(/^(ECONNREFUSED|ENOENT)$/),
    });
    other.close();
    await once(other, 'close');
    await app.listen();

    expect(server.endpoints).toEqual([`ipc://${path}`, taken]);
    expect(await echo(taken, 1)).toBe(1);
  });

  it('rejects a second call and goes on serving', async () => {
    const { app, endpoint } = await start();

    await expect(app.listen()).rejects.toMatchObject({ code: 'BIND_FAILED' });
    expect(await echo(endpoint, 1)).toBe(1);
  });

  it('serves on tcp, ipc and inproc endpoints at once', async () => {
    const bind = ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:0', `ipc://${temporaryPath()}`, 'inproc://lifecycle'];
    const { server } = await start({ bind });
    const { endpoints } = server;

    expect(endpoints).toEqual([
      expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/),
      ...bind.slice(2),
    ]);
    expect(new Set(endpoints).size).toBe(4);
    for (const endpoint of endpoints) {
      expect(await echo(endpoint, endpoint)).toBe(endpoint);
    }
    expect(server.getStats().peers).toBe(4);
  });
});

describe('app.close() with ServerZmq', () => {
  it('frees the port before it resolves', async () => {
    const first = await start();
    await firstValueFrom((await connectClient(first.endpoint)).send('echo', 1));
    await first.app.close();
    for (let round = 0; round < 3; round++) {
      const next = await start({ bind: first.endpoint });
      expect(await echo(first.endpoint, round)).toBe(round);
      await next.app.close();
    }
    const plain = createServer().listen(Number(first.endpoint.split(':')[2]), '127.0.0.1');
    await once(plain, 'listening');
    plain.close();
  });

  it('answers what is being handled, and then runs the hooks of the application', async () => {
    const { app, endpoint } = await start();
    const client = await connectClient(endpoint);
    const answer = firstValueFrom(client.send('slow', {}));
    await until(() => log.includes('handler began'));
    const closed = app.close();
    gate.open();

    expect(await answer).toBe('done');
    await closed;
    expect(log).toEqual([
      'handler began',
      'handler ended',
      'server closed',
      'onModuleDestroy',
      'beforeApplicationShutdown by close()',
      'onApplicationShutdown by close()',
    ]);
  });

  it('runs in the order of Nest when a signal ends the process', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    onCleanup(() => kill.mockRestore());
    const { app, endpoint } = await start();
    app.enableShutdownHooks(['SIGUSR2']);
    expect(await echo(endpoint, 1)).toBe(1);
    process.emit('SIGUSR2', 'SIGUSR2');
    await until(() => kill.mock.calls.length > 0);

    expect(kill).toHaveBeenCalledWith(process.pid, 'SIGUSR2');
    expect(log).toEqual([
      'onModuleDestroy',
      'beforeApplicationShutdown SIGUSR2',
      'server closed',
      'onApplicationShutdown SIGUSR2',
    ]);
  });

  it('may be called twice, and before listen()', async () => {
    const { app, server } = await start();
    await Promise.all([server.close(), server.close()]);
    await app.close();
    const { app: unused } = await create({ bind: 'tcp://127.0.0.1:*' });
    await unused.close();

    expect(log.filter(entry => entry === 'server closed')).toHaveLength(1);
  });

  it('leaves a server that can listen again', async () => {
    const { server, endpoint } = await start();
    await server.close();
    expect(server.endpoints).toEqual([]);
    await new Promise<void>((resolve, reject) => {
      server.listen(error => (error === undefined ? resolve() : reject(error as Error)));
    });

    expect(await echo(server.endpoints[0] as string, 'again')).toBe('again');
    expect(server.endpoints[0]).not.toBe(endpoint);
  });
});

describe('a ServerZmq that is looked at from outside', () => {
  it('tells its status', async () => {
    const { app, server } = await create({ bind: 'tcp://127.0.0.1:*' });
    const seen: ZmqStatus[] = [];
    app.status.subscribe(status => seen.push(status as ZmqStatus));
    await app.listen();
    await server.close();

    expect(seen).toEqual([ZmqStatus.DISCONNECTED, ZmqStatus.CONNECTED, ZmqStatus.DISCONNECTED]);
    expect(await firstValueFrom(server.status)).toBe(ZmqStatus.DISCONNECTED);
  });

  it('gives the servers of node:net while it listens with the gate', async () => {
    const { app, server } = await create({ bind: 'tcp://127.0.0.1:*', engine: 'gate' });
    expect(() => app.unwrap()).toThrow('not initialized');
    await app.listen();

    const [listener] = app.unwrap<readonly Server[]>();
    expect(`tcp://127.0.0.1:${((listener as Server).address() as AddressInfo).port}`).toBe(server.endpoints[0]);
    await server.close();
    expect(() => app.unwrap()).toThrow('not initialized');
  });

  it('gives its Router socket while it listens with libzmq', async () => {
    const { app, server } = await create({ bind: 'tcp://127.0.0.1:*', engine: 'zeromq' });
    expect(() => app.unwrap()).toThrow('not initialized');
    await app.listen();

    const router = app.unwrap<Router>();
    expect(router).toBeInstanceOf(Router);
    expect(router.lastEndpoint).toBe(server.endpoints[0]);
    await server.close();
    expect(() => app.unwrap()).toThrow('not initialized');
  });

  it('tells its events to listeners of the application, registered before or after it listens', async () => {
    const { app, server } = await create({ bind: 'tcp://127.0.0.1:*' });
    const events: unknown[] = [];
    app.on('listening', (endpoints: readonly string[]) => events.push(['listening', endpoints]));
    app.on('peerDisconnected', (_peer: unknown, reason: string) => events.push(['left', reason]));
    await app.listen();
    const { endpoints } = server;
    app.on('peerConnected', () => events.push('joined'));
    const client = await connectClient(endpoints[0] as string);
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
    await app.close();

    expect(events).toEqual([['listening', endpoints], 'joined', ['left', 'closed']]);
  });

  it('tells clients that it leaves, and their status says so', async () => {
    const { app, endpoint } = await start();
    const client = createClient(endpoint);
    const seen: ZmqStatus[] = [];
    const events: unknown[] = [];
    client.status.subscribe(status => seen.push(status));
    client.on('connect', at => events.push(['connect', at]));
    client.on('draining', at => events.push(['draining', at]));
    await client.connect();
    await app.close();
    await until(() => seen.includes(ZmqStatus.RECONNECTING));
    await start({ bind: endpoint });
    await until(() => seen.at(-1) === ZmqStatus.CONNECTED);
    await client.close();

    expect(seen).toEqual([
      ZmqStatus.DISCONNECTED,
      ZmqStatus.CONNECTED,
      ZmqStatus.RECONNECTING,
      ZmqStatus.CONNECTED,
      ZmqStatus.DISCONNECTED,
    ]);
    expect(events).toEqual([
      ['connect', endpoint],
      ['draining', endpoint],
      ['connect', endpoint],
    ]);
  });
});
