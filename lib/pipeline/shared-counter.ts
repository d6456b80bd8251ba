import { createHash } from 'node:crypto';
import { ZmqException } from '../errors/zmq.exception.js';
import { createStoreClient, type StoreClient } from './store-client.js';

/** What is used of the optional package, whose types may be absent. */
interface Limiter {
  consume(key: string, points: number): Promise<unknown>;
  reward(key: string, points: number): Promise<unknown>;
}

interface LimiterOptions {
  readonly storeClient: StoreClient;
  readonly useRedisPackage: true;
  readonly customIncrTtlLuaScript: string;
  readonly keyPrefix: string;
  readonly points: number;
  readonly duration: number;
}

interface Refusal {
  readonly consumedPoints: number;
  readonly msBeforeNext: number;
}

interface Package {
  readonly RateLimiterRedis: new (options: LimiterOptions) => Limiter;
  readonly RateLimiterRes: abstract new (...args: never[]) => Refusal;
}

/** What the store says about a message. */
export interface StoreAnswer {
  /** Milliseconds to wait, 0 for a message that has been counted. */
  readonly waitMs: number;
  /** Milliseconds for which even the smallest message will be refused. */
  readonly blockedMs: number;
}

export interface CounterOptions {
  readonly keyPrefix: string;
  readonly limit: number;
  readonly durationMs: number;
}

export type CounterFactory = (options: CounterOptions) => SharedCounter;

export const ADMITTED: StoreAnswer = { waitMs: 0, blockedMs: 0 };

const MAX_KEY_LENGTH = 128;
const HASHED = 'sha256:';

/**
 * Counts in windows that begin with the first message. Unlike the package's own script it counts nothing that it refuses,
 * reads the duration as milliseconds, and lets an amount above the whole limit through when nothing has been counted yet:
 * the window then lasts as long as so much may take. The answer is above the limit if the amount is refused.
 */
const SCRIPT = `
local amount, duration, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = tonumber(redis.call('get', KEYS[1]) or 0)
local left = redis.call('pttl', KEYS[1])
if amount < 0 then
  if used > 0 then redis.call('decrby', KEYS[1], math.min(used, -amount)) end
  return {0, left}
end
if used > 0 and left > 0 then
  if used + amount > limit then return {used + amount, left} end
  redis.call('incrby', KEYS[1], ARGV[1])
  return {used + amount, left}
end
left = math.ceil(duration * math.max(1, amount / limit))
redis.call('set', KEYS[1], ARGV[1], 'PX', left)
return {math.min(amount, limit), left}
`;

/**
 * Loads the package that talks to the store.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` if it is not installed
 */
export async function loadCounters(redis: object): Promise<CounterFactory> {
  const { RateLimiterRedis, RateLimiterRes } = await importPackage();
  const storeClient = createStoreClient(redis, SCRIPT);
  return ({ keyPrefix, limit, durationMs }) => {
    const limiter = new RateLimiterRedis({
      storeClient,
      useRedisPackage: true,
      customIncrTtlLuaScript: SCRIPT,
      keyPrefix,
      points: limit,
      duration: Math.max(1, Math.ceil(durationMs)),
    });
    return new SharedCounter(limiter, limit, (reason): reason is Refusal => reason instanceof RateLimiterRes);
  };
}

/** One limit in the store, for any number of keys. */
export class SharedCounter {
  constructor(
    private readonly limiter: Limiter,
    private readonly limit: number,
    private readonly isRefusal: (reason: unknown) => reason is Refusal,
  ) {}

  /** Rejects if the store does not answer, or not as it should. */
  async take(key: string, amount: number): Promise<StoreAnswer> {
    try {
      await this.limiter.consume(key, amount);
      return ADMITTED;
    } catch (reason) {
      if (!this.isRefusal(reason)) {
        throw reason;
      }
      const waitMs = Math.max(1, Math.ceil(reason.msBeforeNext));
      return { waitMs, blockedMs: reason.consumedPoints - amount >= this.limit ? waitMs : 0 };
    }
  }

  /** Takes back what was counted for a message that is refused after all. */
  giveBack(key: string, amount: number): void {
    // Without it the limit is only kept more strictly, until the window ends.
    void this.limiter.reward(key, amount).catch(() => undefined);
  }
}

/** The key itself, or what stands for it where it is long: peers may have a say in keys, and they stay in memory for a while. */
export function boundedKey(key: string): string {
  return key.length > MAX_KEY_LENGTH || key.startsWith(HASHED)
    ? HASHED + createHash('sha256').update(key).digest('hex')
    : key;
}

async function importPackage(): Promise<Package> {
  try {
    return (await import('rate-limiter-flexible')) as unknown as Package;
  } catch (cause) {
    throw new ZmqException(
      'INVALID_OPTIONS',
      'Shared rate limits need the package "rate-limiter-flexible": npm install rate-limiter-flexible',
      { cause },
    );
  }
}
