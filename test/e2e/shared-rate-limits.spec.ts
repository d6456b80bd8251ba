import { createClient } from '@redis/client';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { describe, expect, it } from 'vitest';
import type { SharedRule } from '../../lib/pipeline/shared-limit.js';
import { SharedRateLimits } from '../../lib/pipeline/shared-rate-limits.js';
import { createPrefix, createRedis } from '../support/redis.js';
import { onCleanup } from '../support/zmq-app.js';

const MINUTE = 60_000;
/** The tests about counting are not about time, and the machine may be busy. */
const PATIENCE = 5_000;

const RULE: SharedRule = { name: 'rule', points: 10, bytes: undefined, durationMs: MINUTE };

interface SetUp {
  readonly keyPrefix?: string;
  readonly redis?: object;
}

async function createLimits({ keyPrefix = createPrefix(), redis = createRedis() }: SetUp = {}) {
  const hooks = {
    onStoreAway: (error: Error) => expect.unreachable(error.message),
    onStoreBack: () => expect.unreachable('It was never away.'),
  };
  const limits = await SharedRateLimits.load({ redis, keyPrefix, timeout: PATIENCE }, hooks, 100);
  onCleanup(() => limits.close());
  return limits;
}

async function consumeMany(limits: SharedRateLimits, count: number, rule: SharedRule, key: string, bytes = 1) {
  const waits = await Promise.all(Array.from({ length: count }, () => limits.consume(rule, key, bytes)));
  return { admitted: waits.filter(wait => wait === 0).length, waits };
}

function pass(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

async function connectNodeRedis() {
  const client = createClient({ url: 'redis://127.0.0.1:6379' });
  client.on('error', () => undefined);
  await client.connect();
  onCleanup(() => client.destroy());
  return client;
}

describe('shared rate limits', () => {
  it('are counted once for all processes', async () => {
    const keyPrefix = createPrefix();
    const all = await Promise.all([createLimits({ keyPrefix }), createLimits({ keyPrefix })]);
    const results = await Promise.all(all.map(limits => consumeMany(limits, 50, RULE, 'a')));
    expect(results.reduce((sum, { admitted }) => sum + admitted, 0)).toBe(10);
    const refused = results.flatMap(({ waits }) => waits.filter(wait => wait > 0));
    expect(Math.min(...refused)).toBeGreaterThan(0);
    expect(Math.max(...refused)).toBeLessThanOrEqual(MINUTE);
  });

  it('are counted for each key, name and prefix apart', async () => {
    const keyPrefix = createPrefix();
    const limits = await createLimits({ keyPrefix });
    const others = await createLimits();
    const results = [
      await consumeMany(limits, 20, RULE, 'a'),
      await consumeMany(limits, 20, RULE, 'b'),
      await consumeMany(limits, 20, { ...RULE, name: 'other' }, 'a'),
      await consumeMany(others, 20, RULE, 'a'),
    ];
    expect(results.map(({ admitted }) => admitted)).toEqual([10, 10, 10, 10]);
  });

  it('are known without asking once a key was refused, in each process by itself', async () => {
    const keyPrefix = createPrefix();
    const [one, two] = [await createLimits({ keyPrefix }), await createLimits({ keyPrefix })];
    await consumeMany(one, 11, RULE, 'a');
    const blocked = one.blockedFor(RULE, 'a', performance.now());
    expect(blocked).toBeGreaterThan(MINUTE - PATIENCE);
    expect([one.blockedFor(RULE, 'b', performance.now()), two.blockedFor(RULE, 'a', performance.now())]).toEqual([
      0, 0,
    ]);
    expect(await two.consume(RULE, 'a', 1)).toBeGreaterThan(0);
  });

  it('let as many through again after the time that they told, also where that is no whole second', async () => {
    const limits = await createLimits();
    const rule = { ...RULE, durationMs: 700 };
    await consumeMany(limits, 10, rule, 'a');
    const wait = await limits.consume(rule, 'a', 1);
    expect(wait).toBeLessThanOrEqual(700);
    await pass(wait + 1);
    expect((await consumeMany(limits, 11, rule, 'a')).admitted).toBe(10);
  });

  it('count bytes beside messages, and neither for a message that the other limit refuses', async () => {
    const limits = await createLimits();
    const rule = { ...RULE, bytes: 1_000 };
    expect(await limits.consume(rule, 'a', 900)).toBe(0);
    expect((await consumeMany(limits, 20, rule, 'a', 200)).admitted).toBe(0);
    expect((await consumeMany(limits, 20, rule, 'a', 10)).admitted).toBe(9);
    // Messages are used up now, but not the 10 bytes that are left.
    expect(await limits.consume({ ...rule, points: undefined }, 'a', 10)).toBe(0);
    expect(await limits.consume({ ...rule, points: undefined }, 'a', 1)).toBeGreaterThan(0);
  });

  it('let a message through that is larger than the whole limit, and make up for it', async () => {
    const limits = await createLimits();
    const rule = { ...RULE, points: undefined, bytes: 1_000 };
    expect(await limits.consume(rule, 'a', 5_000)).toBe(0);
    expect(await limits.consume(rule, 'a', 1)).toBeGreaterThan(5 * MINUTE - PATIENCE);
    expect(await limits.consume(rule, 'b', 1)).toBe(0);
    expect(await limits.consume(rule, 'b', 5_000)).toBeGreaterThan(0);
  });

  it('follow a rule that changes', async () => {
    const keyPrefix = createPrefix();
    const [one, two] = [await createLimits({ keyPrefix }), await createLimits({ keyPrefix })];
    expect((await consumeMany(one, 20, RULE, 'a')).admitted).toBe(10);
    const wider = { ...RULE, points: 15 };
    expect((await consumeMany(one, 20, wider, 'a')).admitted).toBe(5);
    expect((await consumeMany(two, 20, { ...RULE, points: 18 }, 'a')).admitted).toBe(3);
    expect((await consumeMany(two, 20, { ...RULE, durationMs: 1_000 }, 'a')).admitted).toBeGreaterThanOrEqual(10);
  });

  it('leave only short keys in the store, which end by themselves', async () => {
    const keyPrefix = createPrefix();
    const redis = createRedis();
    const limits = await createLimits({ keyPrefix, redis });
    const rule = { ...RULE, bytes: 1_000 };
    const long = '💥'.repeat(5_000);
    expect((await consumeMany(limits, 20, rule, `${long}1`)).admitted).toBe(10);
    expect((await consumeMany(limits, 20, rule, `${long}2`)).admitted).toBe(10);
    await limits.consume(rule, 'short', 1);
    const keys = await redis.keys(`${keyPrefix}*`);
    expect(keys).toHaveLength(6);
    expect(keys).toContain(`${keyPrefix}:rule:${MINUTE}:messages:short`);
    expect(Math.max(...keys.map(key => key.length))).toBeLessThan(keyPrefix.length + 100);
    const left = await Promise.all(keys.map(key => redis.pttl(key)));
    expect(Math.min(...left)).toBeGreaterThan(0);
    expect(Math.max(...left)).toBeLessThanOrEqual(MINUTE);
  });

  it('count with a script that the server does not know any more', async () => {
    const redis = createRedis();
    const limits = await createLimits({ redis });
    await consumeMany(limits, 5, RULE, 'a');
    await redis.script('FLUSH');
    expect((await consumeMany(limits, 20, RULE, 'a')).admitted).toBe(5);
  });

  it('leave the client, and other limiters that use it, as they were', async () => {
    const redis = createRedis();
    const keyPrefix = createPrefix();
    const own = new RateLimiterRedis({ storeClient: redis, keyPrefix: `${keyPrefix}-own`, points: 3, duration: 60 });
    const limits = await createLimits({ redis, keyPrefix });
    await consumeMany(limits, 20, RULE, 'a');
    await own.consume('a', 2);
    // The package counts what it refuses; our script does not.
    await expect(own.consume('a', 2)).rejects.toMatchObject({ consumedPoints: 4 });
    await expect(own.consume('a', 2)).rejects.toMatchObject({ consumedPoints: 6 });
    limits.close();
    expect(await redis.ping()).toBe('PONG');
  });

  it('are shared with processes that use node-redis', async () => {
    const keyPrefix = createPrefix();
    const client = await connectNodeRedis();
    const one = await createLimits({ keyPrefix, redis: client });
    const two = await createLimits({ keyPrefix });
    const rule = { ...RULE, bytes: 1_000 };
    const results = await Promise.all([one, two].map(limits => consumeMany(limits, 50, rule, 'a')));
    expect(results.reduce((sum, { admitted }) => sum + admitted, 0)).toBe(10);
    expect(await one.consume(rule, 'b', 2_000)).toBe(0);
    expect(await two.consume(rule, 'b', 1)).toBeGreaterThan(MINUTE);
    one.close();
    expect(await client.ping()).toBe('PONG');
  });
});
