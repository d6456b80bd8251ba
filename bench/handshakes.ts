import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ClientZmq } from 'nestjs-zeromq';
import { certificates } from './peers/keys.js';
import { PATTERNS } from './peers/patterns.js';
import { median } from './statistics.js';

const ROUNDS = 3;
const SECONDS = 3;
/** Handshakes a second that are offered. */
const RATE = 1_000;
/** Requests a second of an honest client: what a busy service has, and less than the machine can do, as the attacker needs some of it. */
const HONEST_RATE = 5_000;
const TICK_MS = 5;
const TARGET = 0.7;

const program = (name: string) => fileURLToPath(new URL(`./processes/${name}.process.js`, import.meta.url));

const { caFile, client: own } = certificates();
const server = fork(program('handshakes-server'));
const [{ port }] = (await once(server, 'message')) as [{ port: number }];
const client = new ClientZmq({ connect: `tls://127.0.0.1:${port}`, tls: { ...own, caFile }, timeout: 1_000 });
await client.connect();

interface Outcome {
  readonly answered: number;
  /** Milliseconds within which 99 of 100 were answered. */
  readonly p99: number;
}

/** Sends at the honest rate, and says what was answered within a second. */
async function honest(): Promise<Outcome> {
  const startedAt = performance.now();
  const latencies: number[] = [];
  const open: Promise<void>[] = [];
  for (let now = startedAt; now < startedAt + SECONDS * 1_000; now = performance.now()) {
    for (const due = ((now - startedAt) * HONEST_RATE) / 1_000; open.length < due;) {
      const sentAt = performance.now();
      open.push(
        new Promise(resolve => {
          client.send(PATTERNS.echo, 'x'.repeat(100)).subscribe({
            next: () => latencies.push(performance.now() - sentAt),
            error: () => resolve(),
            complete: () => resolve(),
          });
        }),
      );
    }
    await delay(TICK_MS);
  }
  await Promise.all(open);
  latencies.sort((one, other) => one - other);
  return { answered: latencies.length, p99: latencies[Math.floor(latencies.length * 0.99)] ?? Infinity };
}

await honest();
const ratios: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const alone = await honest();
  const attacker = fork(program('handshakes'), [String(port), String(RATE), String(SECONDS)]);
  const told = once(attacker, 'message') as Promise<[{ offered: number; answered: number }]>;
  const beside = await honest();
  const [{ offered, answered }] = await told;
  await once(attacker, 'exit');
  const ratio = beside.answered / alone.answered;
  ratios.push(ratio);
  console.log(
    `${offered} handshakes offered in ${SECONDS} s, ${answered} answered: goodput ${ratio.toFixed(2)}, p99 ${beside.p99.toFixed(0)} ms beside ${alone.p99.toFixed(0)} ms alone`,
  );
}
await client.close();
server.kill('SIGKILL');
const ratio = median(ratios);
console.log(`goodput under ${RATE} TLS handshakes a second: ${ratio.toFixed(2)} of that alone (at least ${TARGET})`);
process.exit(ratio >= TARGET ? 0 : 1);
