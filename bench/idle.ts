import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ClientZmq } from 'nestjs-zeromq';
import { ObservableClient } from './load/observable-client.js';
import { median, quantile } from './statistics.js';

/** What a DEALER says first (RFC 37): the greeting for version 3.1 with the mechanism NULL, and READY. */
const GREETING = Buffer.concat([Buffer.from('ff00000000000000007f0301', 'hex'), Buffer.from('NULL'), Buffer.alloc(48)]);
const READY = Buffer.from('\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER', 'latin1');

const WANTED = 10_000;
const BUSY_BESIDE = 5_000;
/** Descriptors that a process needs beside its connections. */
const SPARE_DESCRIPTORS = 300;
const OPENING_AT_ONCE = 64;
const ROUNDS = 5;
const MEASURE_MS = 2_000;
const LIMITS = { kilobytes: 15, acceptP99Ms: 50, busyRatio: 0.9 };

/** Starts a program with as many descriptors as it may have. */
function startServer(): ChildProcess {
  const program = fileURLToPath(new URL('./processes/idle-server.process.js', import.meta.url));
  const command = `ulimit -n "$(ulimit -Hn)"; exec ${process.execPath} --expose-gc ${program}`;
  return spawn('sh', ['-c', command], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

interface Answer {
  readonly port?: number;
  readonly rss?: number;
}

async function ask(server: ChildProcess, question: string): Promise<Answer> {
  const answer = once(server, 'message') as Promise<[Answer]>;
  server.send(question);
  return (await answer)[0];
}

/** Connections from 127.0.0.2 and on: one pair of addresses has only so many ports. */
async function open(port: number, index: number): Promise<{ socket: Socket; ms: number }> {
  const startedAt = performance.now();
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (index % 8)}`, noDelay: true });
  socket.on('error', () => undefined);
  socket.write(Buffer.concat([GREETING, READY]));
  let received = 0;
  // The greeting has 64 bytes; what follows is READY.
  while (received <= 64) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received += chunk.length;
  }
  socket.pause();
  return { socket, ms: performance.now() - startedAt };
}

async function openMany(port: number, from: number, to: number): Promise<{ sockets: Socket[]; times: number[] }> {
  const sockets: Socket[] = [];
  const times: number[] = [];
  let next = from;
  await Promise.all(
    Array.from({ length: OPENING_AT_ONCE }, async () => {
      while (next < to) {
        const { socket, ms } = await open(port, next++);
        sockets.push(socket);
        times.push(ms);
      }
    }),
  );
  return { sockets, times };
}

async function busyRate(port: number): Promise<number> {
  const client = new ClientZmq({ connect: `tcp://127.0.0.1:${port}` });
  await client.connect();
  try {
    const driver = new ObservableClient({
      echo: payload => client.send('echo', payload),
      emit: payload => client.emit('echo', payload),
      stream: () => client.send('echo', ''),
      sizeOf: answer => String(answer).length,
    });
    const load = { payload: 'text', bytes: 100, inFlight: 256, warmMs: 500, measureMs: MEASURE_MS } as const;
    const { counted, measuredMs } = await driver.requests(load);
    return counted / measuredMs;
  } finally {
    await client.close();
  }
}

function descriptors(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Number(soft ?? 1_024);
}

async function main(): Promise<boolean> {
  const most = descriptors() - SPARE_DESCRIPTORS;
  const count = Math.min(WANTED, most);
  if (count < WANTED) {
    console.log(`Scaled down to ${count} connections: this process may open ${most + SPARE_DESCRIPTORS} descriptors.`);
  }
  const server = startServer();
  try {
    const [{ port = 0 }] = (await once(server, 'message')) as [Answer];
    const beside = Math.min(BUSY_BESIDE, Math.floor(count / 2));
    const { rss: before = 0 } = await ask(server, 'rss');
    const { sockets, times } = await openMany(port, 0, count);
    const { rss: after = 0 } = await ask(server, 'rss');
    const kilobytes = (after - before) / count / 1024;
    const p99 = quantile(Float64Array.from(times).sort(), 0.99);
    for (const socket of sockets.splice(0)) socket.destroy();

    // What the first one measures is V8 getting warm.
    await busyRate(port);
    const crowded = async (): Promise<number> => {
      const crowd = (await openMany(port, 0, beside)).sockets;
      await ask(server, 'rss');
      try {
        return await busyRate(port);
      } finally {
        for (const socket of crowd) socket.destroy();
        await ask(server, 'rss');
      }
    };
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const isFirst = round % 2 === 0;
      const before = isFirst ? await crowded() : await busyRate(port);
      const after = isFirst ? await busyRate(port) : await crowded();
      ratios.push(isFirst ? before / after : after / before);
    }
    const ratio = median(ratios);
    console.log(`${count} idle connections: ${kilobytes.toFixed(1)} KB each (at most ${LIMITS.kilobytes})`);
    console.log(`handshake while they open: p99 ${p99.toFixed(1)} ms (at most ${LIMITS.acceptP99Ms})`);
    console.log(
      `a busy client beside ${beside} idle ones: ${ratio.toFixed(2)} of alone (at least ${LIMITS.busyRatio})`,
    );
    return kilobytes <= LIMITS.kilobytes && p99 <= LIMITS.acceptP99Ms && ratio >= LIMITS.busyRatio;
  } finally {
    server.kill('SIGKILL');
  }
}

if (process.platform !== 'linux') {
  console.log('Left out: descriptor limits and resident memory are read from /proc.');
} else if (process.env['BENCH_IDLE'] === undefined) {
  // Once more, with as many descriptors as there may be.
  const command = `ulimit -n "$(ulimit -Hn)"; exec ${process.execPath} ${fileURLToPath(import.meta.url)}`;
  const [code] = (await once(
    spawn('sh', ['-c', command], { stdio: 'inherit', env: { ...process.env, BENCH_IDLE: '1' } }),
    'exit',
  )) as [number | null];
  process.exitCode = code ?? 1;
} else {
  process.exitCode = (await main()) ? 0 : 1;
}
