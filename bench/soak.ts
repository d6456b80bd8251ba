import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { EventResult, RequestResult } from './load/loads.js';
import { Pair } from './processes/pair.js';
import { OURS } from './run/peer-list.js';

const USAGE = `npm run bench:soak -- [--count 1000000] [--peer ${OURS}|tcp|nats|redis]

Sends that many requests and then that many events, 256 in flight, and compares the resident memory of server and
client after the first tenth with that at the end. Exits with 1 where either has grown by more than 20 MB.`;

const ALLOWED_GROWTH = 20_000_000;
const HOUR_MS = 3_600_000;
/** Events are sent in portions that the server has received before the next, so that what waits stays bounded. */
const EVENT_PORTION = 20_000;
/** Lets buffers that the last answers have left be collected before memory is read. */
const REST_MS = 1_000;

interface Level {
  readonly server: number;
  readonly client: number;
}

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    peer: { type: 'string', default: OURS },
    help: { type: 'boolean', default: false },
  },
});
const count = Number(options.count);
if (options.help || !Number.isInteger(count) || count < 10) {
  console.log(USAGE);
} else {
  const pair = await Pair.start(options.peer, 'request');
  try {
    const kept = [await soak(pair, 'requests', sendRequests), await soak(pair, 'events', sendEvents)];
    process.exitCode = kept.every(Boolean) ? 0 : 1;
  } finally {
    await pair.stop();
  }
}

async function soak(pair: Pair, what: string, send: (pair: Pair, count: number) => Promise<void>): Promise<boolean> {
  const first = Math.floor(count / 10);
  const startedAt = performance.now();
  await send(pair, first);
  const before = await levelOf(pair);
  await send(pair, count - first);
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await levelOf(pair);

  console.log(`${count.toLocaleString('en-US')} ${what} in ${seconds.toFixed(1)} s`);
  const kept = (['server', 'client'] as const).map(role => {
    const growth = after[role] - before[role];
    const verdict = growth <= ALLOWED_GROWTH ? 'pass' : 'above 20 MB';
    const levels = `${megabytes(before[role])} after ${first.toLocaleString('en-US')}, ${megabytes(after[role])} at the end`;
    console.log(`  ${role}: ${levels}, ${growth < 0 ? '' : '+'}${megabytes(growth)}: ${verdict}`);
    return growth <= ALLOWED_GROWTH;
  });
  return kept.every(Boolean);
}

async function sendRequests({ client }: Pair, requests: number): Promise<void> {
  const load = { payload: 'text', bytes: 100, inFlight: 256, warmMs: 0, measureMs: HOUR_MS, count: requests } as const;
  const { total, errors, firstError } = await client.ask<RequestResult>({ task: 'requests', load }, HOUR_MS);
  if (errors > 0 || total !== requests)
    throw new Error(`${total} of ${requests} requests, ${errors} errors: ${firstError}`);
}

async function sendEvents({ client, server }: Pair, events: number): Promise<void> {
  for (let left = events; left > 0; left -= EVENT_PORTION) {
    const load = { bytes: 100, measureMs: HOUR_MS, count: Math.min(left, EVENT_PORTION) };
    const { sent, errors, firstError } = await client.ask<EventResult>({ task: 'events', load }, HOUR_MS);
    const { received } = await server.ask<{ received: number }>({ task: 'settle', expected: sent }, HOUR_MS);
    if (errors > 0 || received !== load.count) {
      throw new Error(`${received} of ${load.count} events arrived, ${errors} errors: ${firstError}`);
    }
  }
}

async function levelOf(pair: Pair): Promise<Level> {
  await delay(REST_MS);
  const { server, client } = await pair.usage();
  return { server: server.rssBytes, client: client.rssBytes };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
