import { describe, expect, it } from 'vitest';
import { createSharedLimits as setUp, RULE, TIMEOUT } from '../../support/shared-limits.js';

/** How much later a message may be decided than its timeout says. */
const TICKS = 40;

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

describe('SharedRateLimits while the store is away', () => {
  it('lets the insurance decide about a message when the store is late, and neither earlier nor much later', async () => {
    const { clock, consume, events } = await setUp();
    let waited: number | undefined;
    const decided = consume().then(wait => (waited = wait));
    clock.advance(TIMEOUT - 1);
    await turn();
    expect([waited, events]).toEqual([undefined, []]);
    clock.advance(1 + TICKS);
    expect(await decided).toBe(0);
    expect(events).toEqual(['The rate limit store did not answer within 200 ms.']);
  });

  it('does not call a store late for an answer that waited because this process was held up', async () => {
    const { clock, redis, consume, events } = await setUp();
    const decided = consume();
    clock.holdUp(10 * TIMEOUT);
    redis.calls[0]?.answer(6, 700);
    expect(await decided).toBe(700);
    clock.advance(TIMEOUT);
    expect(events).toEqual([]);
  });

  it('lets all messages go that wait for the store as soon as one finds it away', async () => {
    const { redis, consume, events } = await setUp();
    const decided = Array.from({ length: 7 }, () => consume());
    redis.calls[3]?.fail(new Error('gone'));
    const waits = await Promise.all(decided);
    expect(waits.filter(wait => wait === 0)).toHaveLength(5);
    expect(events).toEqual(['gone']);
  });

  it('asks a store that is away again after growing pauses, and makes no message wait for that', async () => {
    const { clock, redis, consume, events } = await setUp();
    redis.reply = ({ fail }) => fail(new Error('gone'));
    const asked: number[] = [];
    const start = clock.now();
    for (let elapsed = 0; elapsed <= 26_000; elapsed += 100) {
      const before = redis.calls.length;
      await consume(RULE, `${elapsed}`);
      if (redis.calls.length > before) {
        asked.push(clock.now() - start);
      }
      await turn();
      clock.advance(100);
    }
    expect(asked).toEqual([0, 1_000, 3_000, 7_000, 15_000, 25_000]);
    expect(events).toEqual(['gone']);
    expect(clock.pending).toBe(0);
  });

  it('returns to the store when that answers in time, and says so once', async () => {
    const { clock, redis, consume, events } = await setUp();
    redis.reply = ({ fail }) => fail(new Error('gone'));
    await consume();
    redis.reply = undefined;
    clock.advance(1_000);
    expect(await consume(RULE, 'b')).toBe(0);
    redis.calls.at(-1)?.answer(1, 60_000);
    await turn();
    expect(events).toEqual(['gone', 'back']);
    redis.reply = ({ answer }) => answer(6, 300);
    expect(await Promise.all([consume(), consume()])).toEqual([300, 300]);
    expect(events).toEqual(['gone', 'back']);
  });

  it('takes a late answer for no sign that the store is back, and a late failure for no news', async () => {
    const { clock, redis, consume, events } = await setUp();
    const decided = [consume(), consume()];
    clock.advance(TIMEOUT + TICKS);
    await Promise.all(decided);
    redis.calls[0]?.answer(1, 60_000);
    redis.calls[1]?.fail(new Error('gone'));
    await turn();
    expect(events).toHaveLength(1);
    clock.advance(900);
    await consume();
    expect(redis.calls).toHaveLength(2);
  });

  it('asks a store about no more messages at a time than it can keep in mind', async () => {
    const { redis, limits, consume } = await setUp();
    const decided = Array.from({ length: 10_010 }, (_, index) => consume(RULE, `${index}`));
    expect(redis.calls).toHaveLength(10_000);
    limits.close();
    expect((await Promise.all(decided)).every(wait => wait === 0)).toBe(true);
  });

  it('keeps the whole limit by itself, within bounds, while the store is away', async () => {
    const { redis, consume } = await setUp();
    redis.reply = ({ fail }) => fail(new Error('gone'));
    const waits = [];
    for (let count = 0; count < 7; count++) {
      waits.push(await consume());
    }
    expect(waits).toEqual([0, 0, 0, 0, 0, 12_000, 12_000]);
  });

  it('does not give orders to a client that has no connection', async () => {
    const { redis, consume, events } = await setUp();
    redis.status = 'reconnecting';
    expect(await consume()).toBe(0);
    expect(redis.calls).toHaveLength(0);
    expect(events).toEqual(['The client of the rate limit store is not connected.']);
  });

  it('takes an answer that holds no numbers for a failure', async () => {
    const { redis, consume, events } = await setUp();
    redis.reply = ({ answer }) => answer(Number.NaN, 1);
    expect(await consume()).toBe(0);
    expect(events).toEqual(['The rate limit store gave no numbers.']);
  });
});
