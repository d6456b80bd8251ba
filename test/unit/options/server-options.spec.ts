import { totalmem } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  ZMQ_DEFAULT_CONCURRENCY,
  ZMQ_DEFAULT_ENDPOINT,
  ZMQ_DEFAULT_MAX_MEMORY_BUDGET,
  ZMQ_DEFAULT_MAX_MESSAGE_SIZE,
} from '../../../lib/options/defaults.js';
import { resolveServerOptions, type ZmqServerOptions } from '../../../lib/options/server-options.js';
import { isDeeplyFrozen, optionsWith, valueAt, type Bound } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const KIBI = 1024;
const MEBI = 1024 ** 2;
const GIBI = 1024 ** 3;

const BOUNDS: readonly Bound[] = [
  ['limits.maxMessageSize', MEBI, 64, GIBI],
  ['limits.maxBatchPackets', 4_096, 1, 65_536],
  ['limits.maxPatternLength', 256, 1, 65_535],
  ['limits.maxMetadataSize', 8 * KIBI, 0, 65_535],
  ['limits.maxDepth', 32, 1, 1_024],
  ['limits.maxTokens', 100_000, 1, 100_000_000],
  ['limits.maxNumberLength', 64, 20, 10_000],
  ['limits.maxPeers', 10_000, 1, 1_000_000],
  ['limits.maxStreams', 10_000, 1, 1_000_000],
  ['limits.maxRequestsPerPeer', 4_096, 1, 1_000_000],
  ['limits.streamBuffer', 16 * MEBI, KIBI, GIBI],
  ['limits.outboxSize', 16 * MEBI, KIBI, GIBI],
  ['limits.eventWindow', MEBI, KIBI, GIBI],
  ['concurrency.limit', 1_024, 1, 1_000_000],
  ['concurrency.stallTimeout', 1_000, 10, 600_000],
  ['drainTimeout', 10_000, 0, 3_600_000],
  ['stallTimeout', 10_000, 100, 3_600_000],
  ['leaseTimeout', 60_000, 1_000, 86_400_000],
  ['heartbeatInterval', 5_000, 100, 3_600_000],
];

/** What must go along with a value at a bound, so that the options do not contradict each other. */
const COMPANIONS: Readonly<Record<string, object>> = {
  'limits.maxMessageSize': { limits: { outboxSize: '1gb' }, memoryBudget: '1gb' },
  'limits.outboxSize': { limits: { maxMessageSize: 64 } },
  leaseTimeout: { heartbeatInterval: 100 },
  heartbeatInterval: { leaseTimeout: 86_400_000 },
};

function resolve(options: unknown) {
  return resolveServerOptions(options as ZmqServerOptions | undefined);
}

function resolveAt(path: string, value: unknown): unknown {
  const companions = COMPANIONS[path] as { limits?: object } | undefined;
  const given = optionsWith(path, value) as { limits?: object };
  const limits = { ...companions?.limits, ...given.limits };
  return valueAt(resolve({ ...companions, ...given, ...(Object.keys(limits).length > 0 && { limits }) }), path);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('Options of ServerZmq', () => {
  it.each(BOUNDS)('%s is %d unless given', (path, fallback) => {
    expect(valueAt(resolve(undefined), path)).toBe(fallback);
    expect(valueAt(resolve({}), path)).toBe(fallback);
  });

  it.each(BOUNDS)('%s takes its bounds and refuses what is beyond', (path, _fallback, min, max) => {
    expect([resolveAt(path, min), resolveAt(path, max)]).toEqual([min, max]);
    for (const wrong of [min - 1, max + 1, NaN, null, 'many', {}, true]) {
      const { code, message } = refusalOf(() => resolveAt(path, wrong));
      expect(code).toBe('INVALID_OPTIONS');
      expect(message).toContain(`ServerZmq options.${path} must be`);
    }
  });

  it('have the documented defaults', () => {
    const resolved = resolve(undefined);
    expect(resolved.bind.map(({ endpoint, name, mechanism }) => [endpoint, name, mechanism])).toEqual([
      [ZMQ_DEFAULT_ENDPOINT, ZMQ_DEFAULT_ENDPOINT, 'NULL'],
    ]);
    expect([resolved.identities.size, resolved.anonymous, resolved.allowInsecure]).toEqual([0, undefined, false]);
    expect(resolved.concurrency.limit).toBe(ZMQ_DEFAULT_CONCURRENCY);
    expect(resolved.limits.maxMessageSize).toBe(ZMQ_DEFAULT_MAX_MESSAGE_SIZE);
    expect([resolved.serializer, resolved.deserializer]).toEqual([undefined, undefined]);
  });

  it('give a quarter of the memory, at most 256 MB, to requests and replies', () => {
    const memory = vi.spyOn(process, 'constrainedMemory');
    memory.mockReturnValue(64 * MEBI);
    expect(resolve({}).memoryBudget).toBe(16 * MEBI);
    memory.mockReturnValue(2 ** 62);
    expect(resolve({}).memoryBudget).toBe(Math.min(Math.floor(totalmem() / 4), ZMQ_DEFAULT_MAX_MEMORY_BUDGET));
    memory.mockReturnValue(0);
    expect(resolve({}).memoryBudget).toBe(Math.min(Math.floor(totalmem() / 4), ZMQ_DEFAULT_MAX_MEMORY_BUDGET));
    memory.mockReturnValue(MEBI);
    expect(resolve({}).memoryBudget).toBe(2 * MEBI);
  });

  it('take a memory budget from 1 MB to 1 TB', () => {
    expect(resolve({ memoryBudget: '1mb' }).memoryBudget).toBe(MEBI);
    expect(resolve({ memoryBudget: '1024gb' }).memoryBudget).toBe(1024 * GIBI);
    for (const memoryBudget of [MEBI - 1, '1025gb', null, '1']) {
      expect(refusalOf(() => resolve({ memoryBudget })).message).toContain('ServerZmq options.memoryBudget must be');
    }
  });

  it('take a number for the limit of concurrency', () => {
    expect(resolve({ concurrency: 7 }).concurrency).toEqual({ limit: 7, stallTimeout: 1_000 });
    for (const concurrency of [0, 1_000_001, 1.5, NaN, 'many', null, [7], { max: 7 }]) {
      expect(refusalOf(() => resolve({ concurrency })).message).toContain('ServerZmq options.concurrency');
    }
  });

  it.each([
    [{ limits: { maxMessageSize: '2mb' }, memoryBudget: '1mb' }, 'maxMessageSize', 'memoryBudget'],
    [{ limits: { maxMessageSize: '2mb', outboxSize: '1mb' } }, 'outboxSize', 'maxMessageSize'],
    [{ leaseTimeout: 1_000, heartbeatInterval: 1_000 }, 'leaseTimeout', 'heartbeatInterval'],
    [{ leaseTimeout: 5_000 }, 'leaseTimeout', 'heartbeatInterval'],
  ])('that contradict each other are refused, naming both: %j', (options, ...names) => {
    const { code, message } = refusalOf(() => resolve(options));
    expect(code).toBe('INVALID_OPTIONS');
    for (const name of names) {
      expect(message).toContain(name);
    }
  });

  it.each([{ port: 1 }, { limits: { maxSize: 1 } }, { socket: { hwm: 1 } }, { concurrency: { max: 1 } }])(
    'with an unknown name are refused: %j',
    options => {
      expect(refusalOf(() => resolve(options)).message).toMatch(/has no option '(port|maxSize|hwm|max)'/);
    },
  );

  it('need a serializer and a deserializer with their methods', () => {
    const serializer = { serialize: (value: unknown) => value };
    const deserializer = { deserialize: (value: unknown) => value };
    expect(resolve({ serializer, deserializer })).toMatchObject({ serializer, deserializer });
    expect(refusalOf(() => resolve({ serializer: deserializer })).message).toContain('method serialize()');
    expect(refusalOf(() => resolve({ deserializer: serializer })).message).toContain('method deserialize()');
  });

  it('come out frozen, and what was given is neither changed nor frozen', () => {
    const bind = ['inproc://a', { endpoint: 'tcp://127.0.0.1:1', gate: { maxFrames: 3 }, roles: ['a'] }];
    const given = { bind, limits: { maxPeers: 3 }, concurrency: 4, socket: { tcpKeepalive: {} } };
    const copy = structuredClone(given);
    expect(isDeeplyFrozen(resolve(given))).toBe(true);
    expect(given).toEqual(copy);
    expect([given, bind, bind[1], given.limits, given.socket].some(part => Object.isFrozen(part))).toBe(false);
  });
});
