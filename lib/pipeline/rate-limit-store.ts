import { describe } from '../options/bytes.js';
import { invalid, milliseconds, resolveFields, type Field, type Resolved } from '../options/fields.js';
import { isStoreClient } from './store-client.js';

/**
 * Where rates are counted that several processes share. Needs the package `rate-limiter-flexible`.
 *
 * They are counted in windows that begin with the first message, so that around the end of a window up to twice the limit
 * may pass within a short time. While the store is away each process keeps the whole limit by itself.
 */
export interface ZmqRateLimitStore {
  /** A connected client of `ioredis` or `redis` (node-redis 4+), of Redis or Valkey. It stays yours: it is not closed. */
  readonly redis: object;
  /** Prefix of all keys, 1 to 128 characters. @defaultValue 'zmq-rate' */
  readonly keyPrefix?: string;
  /**
   * Milliseconds that one answer of the store may take before a count in this process decides instead, 10 to 60,000.
   *
   * @defaultValue 200
   */
  readonly timeout?: number;
}

const MAX_PREFIX_LENGTH = 128;

const redis: Field<object> = (value, option) => {
  if (!isStoreClient(value)) {
    throw invalid(`${option} must be a client of ioredis or redis (node-redis 4 or later), but is ${describe(value)}.`);
  }
  return value;
};

const keyPrefix: Field<string> = (value = 'zmq-rate', option) => {
  if (typeof value !== 'string' || value === '' || value.length > MAX_PREFIX_LENGTH) {
    throw invalid(`${option} must be text of 1 to ${MAX_PREFIX_LENGTH} characters, but is ${describe(value)}.`);
  }
  return value;
};

const STORE_FIELDS = {
  redis,
  keyPrefix,
  timeout: milliseconds({ min: 10, max: 60_000, fallback: 200 }),
};

export type ResolvedRateLimitStore = Resolved<typeof STORE_FIELDS>;

/** @throws {@link ZmqException} `INVALID_OPTIONS` that names the option */
export function resolveRateLimitStore(options: unknown, where: string): ResolvedRateLimitStore {
  return resolveFields(options, STORE_FIELDS, where);
}
