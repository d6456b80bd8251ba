import { describe, expect, it } from 'vitest';
import { resolveClientOptions, type ZmqClientOptions } from '../../../lib/options/client-options.js';
import {
  ZMQ_DEFAULT_CONNECT_TIMEOUT,
  ZMQ_DEFAULT_ENDPOINT,
  ZMQ_DEFAULT_MAX_MESSAGE_SIZE,
  ZMQ_DEFAULT_STREAM_WINDOW,
  ZMQ_DEFAULT_TIMEOUT,
} from '../../../lib/options/defaults.js';
import { isDeeplyFrozen, optionsWith, valueAt, type Bound } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const BOUNDS: readonly Bound[] = [
  ['timeout', 30_000, 0, 0x7fff_ffff],
  ['connectTimeout', 5_000, 1, 3_600_000],
  ['streamWindow', 1_024, 0, 65_535],
  ['limits.maxMessageSize', 1024 ** 2, 64, 1024 ** 3],
  ['limits.maxPending', 65_536, 1, 10_000_000],
  ['limits.outboxMessages', 65_536, 1, 10_000_000],
  ['limits.outboxSize', 32 * 1024 ** 2, 1024, 16 * 1024 ** 3],
  ['limits.maxDepth', 64, 1, 1_024],
  ['limits.maxTokens', 1_000_000, 1, 100_000_000],
  ['heartbeat.interval', 5_000, 100, 3_600_000],
  ['heartbeat.timeout', 30_000, 200, 86_400_000],
  ['reconnect.minDelay', 100, 1, 60_000],
  ['reconnect.maxDelay', 5_000, 1, 3_600_000],
];

/** Options of groups that are off unless they are given. */
const OPTIONAL_BOUNDS: readonly Bound[] = [
  ['retry.attempts', 3, 1, 100],
  ['retry.minDelay', 100, 1, 60_000],
  ['retry.maxDelay', 5_000, 1, 3_600_000],
];

/** What must go along with a value at a bound, so that the options do not contradict each other. */
const COMPANIONS: Readonly<Record<string, object>> = {
  'heartbeat.interval': { timeout: 86_400_000 },
  'heartbeat.timeout': { interval: 100 },
  'reconnect.minDelay': { maxDelay: 3_600_000 },
  'reconnect.maxDelay': { minDelay: 1 },
  'retry.minDelay': { maxDelay: 3_600_000 },
  'retry.maxDelay': { minDelay: 1 },
};

function resolve(options: unknown) {
  return resolveClientOptions(options as ZmqClientOptions | undefined);
}

function resolveAt(path: string, value: unknown): unknown {
  const given = optionsWith(path, value) as Record<string, object>;
  const [group = ''] = path.split('.');
  const options = path in COMPANIONS ? { [group]: { ...COMPANIONS[path], ...given[group] } } : given;
  return valueAt(resolve(options), path);
}

describe('Options of ClientZmq', () => {
  it.each(BOUNDS)('%s is %d unless given', (path, fallback) => {
    expect(valueAt(resolve(undefined), path)).toBe(fallback);
    expect(valueAt(resolve({}), path)).toBe(fallback);
  });

  it.each(OPTIONAL_BOUNDS)('%s is %d where its group is given', (path, fallback) => {
    const [group = ''] = path.split('.');
    expect(valueAt(resolve({ [group]: {} }), path)).toBe(fallback);
    expect(valueAt(resolve({}), group)).toBeUndefined();
  });

  it.each([...BOUNDS, ...OPTIONAL_BOUNDS])(
    '%s takes its bounds and refuses what is beyond',
    (path, _fallback, min, max) => {
      expect([resolveAt(path, min), resolveAt(path, max)]).toEqual([min, max]);
      for (const wrong of [min - 1, max + 1, NaN, null, 'many', {}, true]) {
        const { code, message } = refusalOf(() => resolveAt(path, wrong));
        expect(code).toBe('INVALID_OPTIONS');
        expect(message).toContain(`ClientZmq options.${path} must be`);
      }
    },
  );

  it('have the documented defaults', () => {
    expect(resolve({})).toMatchObject({
      connect: [ZMQ_DEFAULT_ENDPOINT],
      timeout: ZMQ_DEFAULT_TIMEOUT,
      connectTimeout: ZMQ_DEFAULT_CONNECT_TIMEOUT,
      streamWindow: ZMQ_DEFAULT_STREAM_WINDOW,
      limits: { maxMessageSize: ZMQ_DEFAULT_MAX_MESSAGE_SIZE },
      encoding: 'json',
      inheritDeadline: true,
      retry: undefined,
      serializer: undefined,
      deserializer: undefined,
    });
  });

  it('take json and msgpack as encodings, and nothing else', () => {
    expect(resolve({ encoding: 'msgpack' }).encoding).toBe('msgpack');
    for (const encoding of ['raw', 'JSON', '', null, 1]) {
      expect(refusalOf(() => resolve({ encoding })).message).toContain('options.encoding must be one of json, msgpack');
    }
  });

  it('take a number as the attempts of retry, and false for none', () => {
    expect(resolve({ retry: 7 }).retry).toEqual({ attempts: 7, minDelay: 100, maxDelay: 5_000 });
    expect(resolve({ retry: false }).retry).toBeUndefined();
    for (const retry of [0, 101, 1.5, -1, NaN]) {
      expect(refusalOf(() => resolve({ retry })).message).toContain(
        'options.retry must be a whole number from 1 to 100',
      );
    }
    for (const retry of [true, 'often', null, []]) {
      const { code, message } = refusalOf(() => resolve({ retry }));
      expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining('ClientZmq options.retry must be')]);
    }
  });

  it.each([
    [{ heartbeat: { interval: 5_000, timeout: 5_000 } }, 'heartbeat.timeout', 'interval'],
    [{ heartbeat: { interval: 60_000 } }, 'heartbeat.timeout', 'interval'],
    [{ reconnect: { minDelay: 10_000 } }, 'reconnect.maxDelay', 'minDelay'],
    [{ reconnect: { maxDelay: 1 } }, 'reconnect.maxDelay', 'minDelay'],
    [{ retry: { minDelay: 10_000 } }, 'retry.maxDelay', 'minDelay'],
    [{ retry: { maxDelay: 99 } }, 'retry.maxDelay', 'minDelay'],
  ])('that contradict each other are refused, naming both: %j', (options, ...names) => {
    const { code, message } = refusalOf(() => resolve(options));
    expect(code).toBe('INVALID_OPTIONS');
    for (const name of names) {
      expect(message).toContain(name);
    }
  });

  it.each([
    { url: 'x' },
    { limits: { maxPeers: 1 } },
    { heartbeat: { every: 1 } },
    { reconnect: { tries: 1 } },
    { retry: { times: 1 } },
  ])('with an unknown name are refused: %j', options => {
    expect(refusalOf(() => resolve(options)).message).toMatch(/has no option '(url|maxPeers|every|tries|times)'/);
  });

  it('come out frozen, and what was given is neither changed nor frozen', () => {
    const given = {
      connect: ['inproc://a'],
      limits: { maxPending: 3 },
      heartbeat: { interval: 200 },
      retry: {},
      socket: {},
    };
    const copy = structuredClone(given);
    expect(isDeeplyFrozen(resolve(given))).toBe(true);
    expect(isDeeplyFrozen(resolve({ retry: 5 }))).toBe(true);
    expect(given).toEqual(copy);
    expect([given, given.connect, given.limits, given.retry, given.socket].some(part => Object.isFrozen(part))).toBe(
      false,
    );
  });
});
