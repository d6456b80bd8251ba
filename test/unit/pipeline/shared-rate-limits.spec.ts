import { describe, expect, it, vi } from 'vitest';
import { SharedRateLimits } from '../../../lib/pipeline/shared-rate-limits.js';
import { createSharedLimits as setUp, FakeRedis, RULE } from '../../support/shared-limits.js';

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

describe('SharedRateLimits', () => {
  it.each([
    [{ redis: undefined }, 'store.redis'],
    [{ redis: {} }, 'store.redis'],
    [{ redis: new FakeRedis(), keyPrefix: '' }, 'store.keyPrefix'],
    [{ redis: new FakeRedis(), timeout: 0 }, 'store.timeout'],
  ])('refuses what is no store, and names the option: %o', async (options, name) => {
    const hooks = { onStoreAway: () => undefined, onStoreBack: () => undefined };
    const loading = SharedRateLimits.load(options as { redis: object }, hooks, 100);
    await expect(loading).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(name) });
  });

  it('names the package where that is not installed', async () => {
    vi.doMock('rate-limiter-flexible', () => {
      throw new Error('Cannot find package');
    });
    const message = expect.stringContaining('npm install rate-limiter-flexible') as string;
    await expect(setUp()).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message });
    vi.doUnmock('rate-limiter-flexible');
  });

  it('says what the store says', async () => {
    const { redis, consume, events } = await setUp();
    redis.reply = ({ answer }) => answer(5, 1_000);
    expect(await consume()).toBe(0);
    redis.reply = ({ answer }) => answer(6, 1_000);
    expect(await consume()).toBe(1_000);
    expect(events).toEqual([]);
  });

  it('does not ask about a key that is known to be refused, until its time has come', async () => {
    const { clock, redis, limits, consume } = await setUp();
    expect(limits.blockedFor(RULE, 'a', clock.now())).toBe(0);
    redis.reply = ({ answer }) => answer(6, 1_000);
    await consume();
    clock.advance(400);
    expect(limits.blockedFor(RULE, 'a', clock.now())).toBe(600);
    expect(limits.blockedFor(RULE, 'b', clock.now())).toBe(0);
    expect(await consume()).toBe(600);
    expect(redis.calls).toHaveLength(1);
    clock.advance(600);
    expect(limits.blockedFor(RULE, 'a', clock.now())).toBe(0);
    await consume();
    expect(redis.calls).toHaveLength(2);
  });

  it('does not take a key for refused because one message is too large for what is left', async () => {
    const { clock, redis, limits, consume } = await setUp();
    const rule = { ...RULE, points: undefined, bytes: 100 };
    redis.reply = ({ answer }) => answer(150, 1_000);
    expect(await consume(rule, 'a', 90)).toBe(1_000);
    expect(limits.blockedFor(rule, 'a', clock.now())).toBe(0);
    redis.reply = ({ answer }) => answer(105, 1_000);
    expect(await consume(rule, 'a', 5)).toBe(1_000);
    expect(limits.blockedFor(rule, 'a', clock.now())).toBe(1_000);
  });

  it('counts no message that is refused for its size, and gives back the bytes of one that is too many', async () => {
    const { redis, consume } = await setUp();
    const rule = { ...RULE, bytes: 100 };
    redis.reply = ({ key, answer }) => (key.includes(':bytes:') ? answer(105, 1_000) : answer(1, 500));
    expect(await consume(rule)).toBe(1_000);
    redis.reply = ({ key, answer }) => (key.includes(':bytes:') ? answer(10, 1_000) : answer(6, 500));
    expect(await consume(rule)).toBe(500);
    expect(redis.calls.map(({ key, amount }) => `${key.split(':')[3]} ${amount}`)).toEqual([
      'bytes 10',
      'bytes 10',
      'messages 1',
      'bytes -10',
    ]);
  });

  it('counts by another limit as soon as a rule has one', async () => {
    const { clock, redis, limits, consume } = await setUp();
    redis.reply = ({ answer }) => answer(6, 1_000);
    expect(await consume()).toBe(1_000);
    const wider = { ...RULE, points: 6 };
    expect(limits.blockedFor(wider, 'a', clock.now())).toBe(0);
    expect(await consume(wider)).toBe(0);
    await consume({ ...wider, durationMs: 500 });
    expect(redis.calls.map(({ key }) => key)).toEqual([
      'zmq-rate:rule:60000:messages:a',
      'zmq-rate:rule:60000:messages:a',
      'zmq-rate:rule:500:messages:a',
    ]);
  });

  it('keeps names from choosing the node of a cluster, and keys short', async () => {
    const { redis, consume } = await setUp();
    redis.reply = ({ answer }) => answer(1, 1_000);
    const long = 'x'.repeat(129);
    await consume({ ...RULE, name: '{"cmd":"sum"}' }, 'x'.repeat(128));
    await consume(RULE, long);
    await consume(RULE, redis.calls[1]?.key.slice('zmq-rate:rule:60000:messages:'.length));
    const keys = redis.calls.map(({ key }) => key);
    expect(keys[0]).toBe(`zmq-rate:%7B"cmd":"sum"%7D:60000:messages:${'x'.repeat(128)}`);
    expect(keys[1]).toMatch(/^zmq-rate:rule:60000:messages:sha256:[0-9a-f]{64}$/);
    // Nobody can take the place of somebody with a long key.
    expect(keys[2]).toMatch(/^zmq-rate:rule:60000:messages:sha256:[0-9a-f]{64}$/);
    expect(keys[2]).not.toBe(keys[1]);
  });

  it('leaves nothing behind when it is closed, and counts by itself from then on', async () => {
    const { clock, redis, limits, consume, events } = await setUp();
    const decided = consume();
    limits.close();
    expect(await decided).toBe(0);
    expect(clock.pending).toBe(0);
    redis.calls[0]?.fail(new Error('gone'));
    await turn();
    expect(await consume()).toBe(0);
    expect([redis.calls.length, events]).toEqual([1, []]);
  });
});
