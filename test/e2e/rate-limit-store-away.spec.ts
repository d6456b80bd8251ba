import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SharedRule } from '../../lib/pipeline/shared-limit.js';
import { SharedRateLimits } from '../../lib/pipeline/shared-rate-limits.js';
import { connectRedis, createRedis, RedisProcess } from '../support/redis.js';
import { onCleanup, until } from '../support/zmq-app.js';

const TIMEOUT = 200;
/** What a busy machine adds to any time. */
const NOISE = 400;
/** The longest pause of a store that is away, and time to answer. */
const RETURN_MS = 12_000;

const POINTS = 50;
const RULE: SharedRule = { name: 'rule', points: POINTS, bytes: 1_000_000, durationMs: 600_000 };
const KEYS = Array.from({ length: 40 }, (_, index) => `key-${index}`);

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);

beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

/** Limits of one process, and what they told. */
async function createLimits(redis: object) {
  const events: string[] = [];
  const hooks = {
    onStoreAway: () => void events.push('away'),
    onStoreBack: () => void events.push('back'),
  };
  const limits = await SharedRateLimits.load({ redis, timeout: TIMEOUT }, hooks, 1_000);
  onCleanup(() => limits.close());
  return { limits, events };
}

async function createTwo(redis: RedisProcess) {
  return [await createLimits(await connectRedis(redis.url)), await createLimits(await connectRedis(redis.url))];
}

/** Messages without an end, of all keys in turn, until the test stops it. */
class Load {
  readonly admitted = new Map<string, number>();
  slowest = 0;
  settled = 0;
  private isStopped = false;
  private readonly runs: Promise<void>[];

  constructor(private readonly processes: readonly SharedRateLimits[]) {
    this.runs = processes.flatMap(limits => Array.from({ length: 20 }, () => this.run(limits)));
    onCleanup(() => this.stop());
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.runs);
  }

  /** Resolves when so many more messages have been decided about. */
  async goOn(messages: number): Promise<void> {
    const enough = this.settled + messages;
    await until(() => this.settled >= enough, RETURN_MS);
  }

  get mostAdmitted(): number {
    return Math.max(...this.admitted.values());
  }

  private async run(limits: SharedRateLimits): Promise<void> {
    for (let index = 0; !this.isStopped; index++) {
      const key = KEYS[index % KEYS.length]!;
      const from = performance.now();
      const wait = await limits.consume(RULE, key, 100);
      this.slowest = Math.max(this.slowest, performance.now() - from);
      this.settled++;
      if (wait === 0) {
        this.admitted.set(key, (this.admitted.get(key) ?? 0) + 1);
      }
      await new Promise(resolve => setImmediate(resolve));
    }
  }
}

describe('a rate limit store that is away', () => {
  it('is done without when it ends under load, and used again when it is back', async () => {
    const redis = await RedisProcess.start();
    const all = await createTwo(redis);
    const load = new Load(all.map(({ limits }) => limits));
    await load.goOn(200);
    await redis.stop();
    await until(() => all.every(({ events }) => events.length > 0), RETURN_MS);
    await load.goOn(5_000);
    expect(all.map(({ events }) => events)).toEqual([['away'], ['away']]);
    await redis.start();
    await until(() => all.every(({ events }) => events.length > 1), RETURN_MS);
    await load.goOn(1_000);
    await load.stop();
    expect(all.map(({ events }) => events)).toEqual([
      ['away', 'back'],
      ['away', 'back'],
    ]);
    expect(load.slowest).toBeLessThan(TIMEOUT + NOISE);
    // Twice the store's, as it forgot everything when it ended, and of each process its own, with what came back in a few seconds.
    expect(load.mostAdmitted).toBeGreaterThan(POINTS);
    expect(load.mostAdmitted).toBeLessThanOrEqual(2 * POINTS + 2 * (POINTS + 3));
    expect(unhandled).toEqual([]);
  }, 60_000);

  it('is done without when it falls silent under load, and used again when it speaks', async () => {
    const redis = await RedisProcess.start();
    const all = await createTwo(redis);
    const load = new Load(all.map(({ limits }) => limits));
    await load.goOn(200);
    redis.freeze();
    await until(() => all.every(({ events }) => events.length > 0), RETURN_MS);
    await load.goOn(5_000);
    redis.thaw();
    await until(() => all.every(({ events }) => events.length > 1), RETURN_MS);
    await load.goOn(1_000);
    await load.stop();
    expect(all.map(({ events }) => events)).toEqual([
      ['away', 'back'],
      ['away', 'back'],
    ]);
    expect(load.slowest).toBeLessThan(TIMEOUT + NOISE);
    expect(load.mostAdmitted).toBeGreaterThan(POINTS);
    expect(load.mostAdmitted).toBeLessThanOrEqual(POINTS + 2 * (POINTS + 3));
    expect(unhandled).toEqual([]);
  }, 60_000);

  it('is done without and found again by node-redis, too', async () => {
    const redis = await RedisProcess.start();
    const client = createClient({ url: redis.url, socket: { reconnectStrategy: 50 } });
    client.on('error', () => undefined);
    await client.connect();
    onCleanup(() => client.destroy());
    const { limits, events } = await createLimits(client);
    const load = new Load([limits]);
    await load.goOn(200);
    await redis.stop();
    await until(() => events.length > 0, RETURN_MS);
    await load.goOn(5_000);
    await redis.start();
    await until(() => events.length > 1, RETURN_MS);
    await load.stop();
    expect(events).toEqual(['away', 'back']);
    expect(load.slowest).toBeLessThan(TIMEOUT + NOISE);
    expect(load.mostAdmitted).toBeLessThanOrEqual(2 * POINTS + POINTS + 3);
    expect(unhandled).toEqual([]);
  }, 60_000);

  it('holds nobody up that comes while that is known', async () => {
    const redis = await RedisProcess.start();
    const { limits, events } = await createLimits(await connectRedis(redis.url));
    redis.freeze();
    await limits.consume(RULE, 'a', 1);
    expect(events).toEqual(['away']);
    const from = performance.now();
    await Promise.all(KEYS.map(key => limits.consume(RULE, key, 1)));
    expect(performance.now() - from).toBeLessThan(TIMEOUT / 2);
  });

  it('may be away from the start', async () => {
    const redis = await RedisProcess.start();
    await redis.stop();
    const { limits, events } = await createLimits(createRedis(redis.url));
    const waits = await Promise.all(Array.from({ length: POINTS + 1 }, () => limits.consume(RULE, 'a', 1)));
    expect(waits.filter(wait => wait > 0)).toHaveLength(1);
    expect(events).toEqual(['away']);
    await redis.start();
    await until(() => (void limits.consume(RULE, 'b', 1), events.length > 1), RETURN_MS);
    expect(events).toEqual(['away', 'back']);
  }, 30_000);

  it('is not taken for away because this process was busy for longer than the timeout', async () => {
    const redis = await RedisProcess.start();
    const { limits, events } = await createLimits(await connectRedis(redis.url));
    await limits.consume(RULE, 'a', 1);
    const decided = [limits.consume(RULE, 'a', 1), limits.consume(RULE, 'b', 1)];
    const end = performance.now() + 3 * TIMEOUT;
    while (performance.now() < end);
    expect(await Promise.all(decided)).toEqual([0, 0]);
    expect(events).toEqual([]);
  });
});
