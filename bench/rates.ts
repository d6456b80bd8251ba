import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ClientZmq } from 'nestjs-zeromq';
import { median } from './statistics.js';

const ROUNDS = 3;
const MEASURE_MS = 3_000;
const HONEST_RATE = 1_000;
const ATTACK_RATE = 20_000;
/** Enough for a difference to show, and far below what the server can do. */
const COST_RATE = 15_000;
const TICK_MS = 5;
const TARGETS = { corePart: 0.25, goodput: 0.9 };
const UNLIMITED = '1000000';

interface Usage {
  readonly cpuMs: number;
}

interface Server {
  readonly process: ChildProcess;
  readonly port: number;
}

async function startServer(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  const program = fileURLToPath(new URL('./processes/rates-server.process.js', import.meta.url));
  const server = fork(program, { env: { ...process.env, ...env } });
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  return { process: server, port };
}

async function usageOf({ process: server }: Server): Promise<Usage> {
  const answer = once(server, 'message') as Promise<[Usage]>;
  server.send('usage');
  return (await answer)[0];
}

/** Sends so many requests a second, whatever becomes of them; says how many were answered. */
async function send(client: ClientZmq, pattern: string, rate: number): Promise<number> {
  const startedAt = performance.now();
  let sent = 0;
  let answered = 0;
  const open: Promise<void>[] = [];
  for (let now = startedAt; now < startedAt + MEASURE_MS; now = performance.now()) {
    for (const due = ((now - startedAt) * rate) / 1_000; sent < due; sent++) {
      open.push(
        new Promise(resolve => {
          client.send(pattern, 'x'.repeat(100)).subscribe({
            next: () => answered++,
            error: () => resolve(),
            complete: () => resolve(),
          });
        }),
      );
    }
    await delay(TICK_MS);
  }
  await Promise.all(open);
  return answered;
}

async function connect({ port }: Server): Promise<ClientZmq> {
  const client = new ClientZmq({
    connect: `tcp://127.0.0.1:${port}`,
    timeout: 2_000,
    limits: { maxPending: 1_000_000 },
  });
  await client.connect();
  return client;
}

/** Milliseconds of the server's processor for `work`. */
async function cpuOf(server: Server, work: () => Promise<unknown>): Promise<number> {
  const before = await usageOf(server);
  await work();
  return (await usageOf(server)).cpuMs - before.cpuMs;
}

/** A client at ten times its rate beside one that keeps to it. */
async function overRate(): Promise<boolean> {
  const server = await startServer();
  const [honest, greedy] = [await connect(server), await connect(server)];
  const parts: number[] = [];
  const goodputs: number[] = [];
  await send(honest, 'limited', HONEST_RATE);
  for (let round = 0; round < ROUNDS; round++) {
    let alone = 0;
    let beside = 0;
    const cpuAlone = await cpuOf(server, async () => (alone = await send(honest, 'limited', HONEST_RATE)));
    const cpuBeside = await cpuOf(server, async () => {
      [beside] = await Promise.all([send(honest, 'limited', HONEST_RATE), send(greedy, 'limited', ATTACK_RATE)]);
    });
    parts.push((cpuBeside - cpuAlone) / MEASURE_MS);
    goodputs.push(beside / alone);
  }
  await Promise.all([honest.close(), greedy.close()]);
  server.process.kill('SIGKILL');
  const [part, goodput] = [median(parts), median(goodputs)];
  console.log(
    `a client at ten times its rate: ${(part * 100).toFixed(0)} % of a core (at most ${TARGETS.corePart * 100} %)`,
  );
  console.log(`another one beside it: ${goodput.toFixed(2)} of its goodput alone (at least ${TARGETS.goodput})`);
  return part <= TARGETS.corePart && goodput >= TARGETS.goodput;
}

/** What the server spends on a request that it refuses, and on one that it serves. */
async function costs(): Promise<boolean> {
  const server = await startServer({ REFUSAL_RATE: UNLIMITED });
  const client = await connect(server);
  const micros: Record<string, number[]> = { free: [], refused: [] };
  await send(client, 'free', COST_RATE);
  await send(client, 'refused', COST_RATE);
  for (let round = 0; round < ROUNDS; round++) {
    for (const pattern of ['free', 'refused']) {
      const cpuMs = await cpuOf(server, () => send(client, pattern, COST_RATE));
      micros[pattern]?.push((cpuMs * 1_000) / ((COST_RATE * MEASURE_MS) / 1_000));
    }
  }
  await client.close();
  server.process.kill('SIGKILL');
  const [served, refused] = [median(micros['free'] ?? []), median(micros['refused'] ?? [])];
  console.log(
    `a request refused: ${refused.toFixed(1)} µs of the server's processor; one served: ${served.toFixed(1)} µs`,
  );
  return refused < served;
}

const outcomes = [await overRate(), await costs()];
process.exitCode = outcomes.every(Boolean) ? 0 : 1;
