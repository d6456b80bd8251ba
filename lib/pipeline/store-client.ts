import { createHash } from 'node:crypto';

/** What the package calls of a node-redis client. */
export interface StoreClient {
  eval(script: string, input: ScriptInput): Promise<readonly [consumed: number, msBeforeNext: number]>;
}

interface ScriptInput {
  readonly keys: readonly string[];
  readonly arguments: readonly string[];
}

interface NodeRedisClient {
  readonly isReady?: boolean;
  eval(script: string, input: ScriptInput): Promise<unknown>;
  evalSha(sha: string, input: ScriptInput): Promise<unknown>;
}

interface IoRedisClient {
  readonly status?: string;
  eval(script: string, keys: number, ...rest: readonly string[]): Promise<unknown>;
  evalsha(sha: string, keys: number, ...rest: readonly string[]): Promise<unknown>;
}

export function isStoreClient(client: unknown): client is object {
  return isNodeRedis(client) || isIoRedis(client);
}

/**
 * Stands between the package and the user's client. The package would define a command on an ioredis client, under a name
 * that all its limiters share, so that the user's own limiters would run our script; and it sends the whole script with
 * each call to node-redis.
 */
export function createStoreClient(client: object, script: string): StoreClient {
  const sha = createHash('sha1').update(script).digest('hex');
  const { isReady, byHash, byText } = isNodeRedis(client)
    ? nodeRedisCalls(client)
    : ioRedisCalls(client as IoRedisClient);
  return {
    async eval(text, input) {
      // A client without a connection would keep what it is told, and count it long after.
      if (!isReady()) {
        throw new Error('The client of the rate limit store is not connected.');
      }
      return numbersOf(await byHash(sha, input).catch(orElse(() => byText(text, input))));
    },
  };
}

interface Calls {
  readonly isReady: () => boolean;
  readonly byHash: (sha: string, input: ScriptInput) => Promise<unknown>;
  readonly byText: (script: string, input: ScriptInput) => Promise<unknown>;
}

function nodeRedisCalls(client: NodeRedisClient): Calls {
  return {
    // Clients of a cluster do not say.
    isReady: () => client.isReady ?? true,
    byHash: (sha, input) => client.evalSha(sha, input),
    byText: (script, input) => client.eval(script, input),
  };
}

function ioRedisCalls(client: IoRedisClient): Calls {
  return {
    // One that connects for the first time may well be in time.
    isReady: () => !['close', 'reconnecting', 'end'].includes(client.status ?? ''),
    byHash: (sha, { keys, arguments: args }) => client.evalsha(sha, keys.length, ...keys, ...args),
    byText: (script, { keys, arguments: args }) => client.eval(script, keys.length, ...keys, ...args),
  };
}

/** A server that has just started, or another node of a cluster, does not have the script yet. */
function orElse(sendWhole: () => Promise<unknown>): (error: unknown) => Promise<unknown> {
  return error => {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT')) {
      return sendWhole();
    }
    throw error;
  };
}

/** Clients can be told to give numbers as text. */
function numbersOf(answer: unknown): [number, number] {
  const [consumed, msBeforeNext] = Array.isArray(answer) ? answer.map(Number) : [];
  if (!Number.isFinite(consumed) || !Number.isFinite(msBeforeNext)) {
    throw new Error('The rate limit store gave no numbers.');
  }
  return [consumed as number, msBeforeNext as number];
}

function isNodeRedis(client: unknown): client is NodeRedisClient {
  return hasMethods(client, ['eval', 'evalSha']);
}

function isIoRedis(client: unknown): client is IoRedisClient {
  return hasMethods(client, ['eval', 'evalsha']);
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return names.every(name => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function');
}
