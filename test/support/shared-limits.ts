import type { SharedRule } from '../../lib/pipeline/shared-limit.js';
import { SharedRateLimits } from '../../lib/pipeline/shared-rate-limits.js';
import { FakeClock } from './fake-clock.js';

/** What the store may take for an answer. */
export const TIMEOUT = 200;

export const RULE: SharedRule = { name: 'rule', points: 5, bytes: undefined, durationMs: 60_000 };

interface Call {
  readonly key: string;
  readonly amount: number;
  readonly answer: (consumed: number, msBeforeNext: number) => void;
  readonly fail: (error: Error) => void;
}

/** Looks like a client of ioredis; the test answers in its place. */
export class FakeRedis {
  status = 'ready';
  readonly calls: Call[] = [];
  /** Answers at once, instead of the test. */
  reply: ((call: Call) => void) | undefined;

  evalsha(_sha: string, _keys: number, key: string, amount: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answer = (...numbers: number[]) => resolve(numbers);
      const call = { key, amount: Number(amount), answer, fail: reject };
      this.calls.push(call);
      this.reply?.(call);
    });
  }

  eval(): Promise<unknown> {
    return Promise.reject(new Error('The script is known.'));
  }
}

/** Limits that count in a fake store, by a clock whose hands the test turns. */
export async function createSharedLimits() {
  const clock = new FakeClock();
  const redis = new FakeRedis();
  const events: string[] = [];
  const hooks = {
    onStoreAway: ({ message }: Error) => void events.push(message),
    onStoreBack: () => void events.push('back'),
  };
  const limits = await SharedRateLimits.load({ redis, timeout: TIMEOUT }, hooks, 100, clock);
  const consume = (rule = RULE, key = 'a', bytes = 10) => limits.consume(rule, key, bytes);
  return { clock, redis, events, limits, consume };
}
