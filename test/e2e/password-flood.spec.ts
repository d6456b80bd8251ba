import 'reflect-metadata';
import { Controller, Logger } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import type { ClientZmq, ZmqViolation } from 'nestjs-zeromq';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashPassword } from '../../lib/security/password-hashing.js';
import { encodePlainHello } from '../../lib/zmtp/commands.js';
import { encodeGreeting } from '../../lib/zmtp/greeting.js';
import { refuseUnhandledRejections } from '../support/echo-app.js';
import { ask } from '../support/rejection.js';
import { connectClient, onCleanup, startApp, until } from '../support/zmq-app.js';

refuseUnhandledRejections();

const MEBI = 1024 ** 2;
const FLOOD_MS = 2_000;
const ATTACKERS = 20;
/** What the flood may cost the process: two passwords at a time are 64 MB, and some thousand sockets are in it, too. */
const MAX_GROWTH = 400 * MEBI;

/**
 * Tries wrong passwords, up to 10,000 a second and 1,500 at a time, from addresses that are no honest client's. In a thread
 * of its own, so that the time it takes is not the server's.
 */
const FLOOD = `
  const { workerData: { port, bytes, addresses, ms }, parentPort } = require('node:worker_threads');
  const { connect } = require('node:net');
  let made = 0, open = 0, refused = 0;
  const attempt = () => {
    const localAddress = addresses[made++ % addresses.length];
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    open++;
    socket.on('error', () => undefined).on('data', () => refused++).once('close', () => open--);
    socket.end(bytes);
    socket.setTimeout(1_000, () => socket.destroy());
  };
  const end = Date.now() + ms;
  const timer = setInterval(() => {
    if (Date.now() > end) {
      clearInterval(timer);
      parentPort.postMessage({ made, refused });
      process.exit();
    }
    for (let i = 0; i < 100 && open < 1_500; i++) attempt();
  }, 10);
`;

interface Flood {
  readonly made: number;
}

let hashes: Record<'ada' | 'bob', string>;

beforeAll(async () => {
  const [ada = '', bob = ''] = await Promise.all(['tea at noon', 'coffee at one'].map(hashPassword));
  hashes = { ada, bob };
});

afterEach(() => vi.restoreAllMocks());

@Controller()
class EchoController {
  @MessagePattern('echo')
  echo(data: unknown): unknown {
    return data;
  }
}

async function flood(endpoint: string): Promise<Flood> {
  const greeting = encodeGreeting({ mechanism: 'PLAIN', asServer: false });
  const worker = new Worker(FLOOD, {
    eval: true,
    workerData: {
      port: Number(endpoint.split(':').at(-1)),
      bytes: Buffer.concat([greeting, encodePlainHello('ada', 'a guess')]),
      addresses: Array.from({ length: ATTACKERS }, (_, index) => `127.0.1.${index + 1}`),
      ms: FLOOD_MS,
    },
  });
  onCleanup(() => worker.terminate());
  const [result] = (await once(worker, 'message')) as [Flood];
  return result;
}

/** Part of the requests, 100 a second, that are answered within a second each while `meanwhile` lasts. */
async function goodput(client: ClientZmq, meanwhile: Promise<unknown>): Promise<number> {
  let isOver = false;
  void meanwhile.finally(() => {
    isOver = true;
  });
  const requests: Promise<boolean>[] = [];
  while (!isOver) {
    const begun = performance.now();
    requests.push(
      ask(client, 'echo', requests.length).then(
        () => performance.now() - begun < 1_000,
        () => false,
      ),
    );
    await pause(10);
  }
  const outcomes = await Promise.all(requests);
  return outcomes.filter(isInTime => isInTime).length / outcomes.length;
}

describe('wrong passwords, thousands a second,', () => {
  it('keep out nobody who has the right one, nor slow him much, and fill neither memory nor log', async () => {
    const logged: string[] = [];
    vi.spyOn(Logger.prototype, 'warn').mockImplementation(line => void logged.push(String(line)));
    const { server, endpoint } = await startApp([EchoController], {
      server: {
        bind: 'tcp://127.0.0.1:*',
        engine: 'gate',
        mechanism: 'PLAIN',
        identities: { ada: { passwordHash: hashes.ada }, bob: { passwordHash: hashes.bob } },
        memoryBudget: '64mb',
        // Passwords are to be what holds them up.
        gate: { acceptRate: 1_000_000, maxHalfOpenPerAddress: 100_000 },
      },
    });
    const violations: ZmqViolation[] = [];
    server.on('violation', violation => violations.push(violation));
    const options = { connectTimeout: 30_000 };
    const ada = await connectClient(endpoint, { ...options, plain: { username: 'ada', password: 'tea at noon' } });
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 20);
    onCleanup(() => clearInterval(watch));

    const flooding = flood(endpoint);
    const rate = goodput(ada, flooding);
    await until(() => violations.length > 0);
    // One whose password is known already, and one who comes for the first time.
    const again = await connectClient(endpoint, { ...options, plain: { username: 'ada', password: 'tea at noon' } });
    const bob = await connectClient(endpoint, { ...options, plain: { username: 'bob', password: 'coffee at one' } });
    expect([await ask(again, 'echo', 1), await ask(bob, 'echo', 2)]).toEqual([1, 2]);
    const { made } = await flooding;
    expect(await rate).toBeGreaterThan(0.5);
    expect(made).toBeGreaterThan(500);

    expect(peak - before).toBeLessThan(MAX_GROWTH);
    expect(logged.length).toBeLessThan(20);
    const refusals = violations.filter(({ kind }) => kind === 'not-authenticated');
    const reasons = new Set(refusals.map(({ figures }) => figures.reason));
    expect([...reasons].filter(reason => reason !== 'wrong-password' && reason !== 'too-many')).toEqual([]);
    expect(refusals.length).toBeLessThan(ATTACKERS * 10);
    expect(new Set(refusals.map(({ address }) => address)).size).toBeGreaterThan(1);
    await until(() => server.getStats().connections === 3, 10_000);
  }, 60_000);
});
