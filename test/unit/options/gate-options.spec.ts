import { describe, expect, it } from 'vitest';
import { gateOptions, mergeGateOptions, POLICY_KINDS } from '../../../lib/options/gate-options.js';
import { isDeeplyFrozen, optionsWith, valueAt, type Bound } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const KIBI = 1024;
const GIBI = 1024 ** 3;
const DAY_MS = 86_400_000;

const BOUNDS: readonly Bound[] = [
  ['maxFrames', 16, 2, 65_536],
  ['maxConnections', 10_000, 1, 1_000_000],
  ['maxConnectionsPerAddress', 1_024, 1, 1_000_000],
  ['maxHalfOpenPerAddress', 64, 1, 1_000_000],
  ['acceptRate', 100, 1, 1_000_000],
  ['handshakeRate', 200, 1, 1_000_000],
  ['maxHandshakeSize', 4 * KIBI, 256, 64 * KIBI],
  ['maxCommandSize', KIBI, 64, 64 * KIBI],
  ['commandRate', 20, 1, 1_000_000],
  ['noiseRate', 100, 1, 1_000_000],
  ['refusalRate', 1_000, 1, 1_000_000],
  ['messageTimeout', 10_000, 100, 3_600_000],
  ['minRate', 16 * KIBI, 1, GIBI],
  ['heartbeatInterval', 15_000, 100, 3_600_000],
  ['heartbeatTimeout', 60_000, 200, DAY_MS],
  ['rate.messages', 1_000_000, 1, 1_000_000_000],
  ['rate.bytes', 4 * GIBI, KIBI, 1024 * GIBI],
  ['addressRate.messages', 2_000_000, 1, 1_000_000_000],
  ['addressRate.bytes', 8 * GIBI, KIBI, 1024 * GIBI],
  ['tarpitTime', 5_000, 100, 600_000],
  ['maxTarpit', 256, 0, 100_000],
  ['ban.after', 0, 0, 1_000_000],
  ['ban.window', 10_000, 1_000, DAY_MS],
  ['ban.duration', 30_000, 1_000, DAY_MS],
];

const COMPANIONS: Readonly<Record<string, object>> = {
  heartbeatInterval: { heartbeatTimeout: DAY_MS },
  heartbeatTimeout: { heartbeatInterval: 100 },
};

const resolve = (options?: unknown) => gateOptions(options, 'gate');
const resolveAt = (path: string, value: unknown) =>
  valueAt(resolve({ ...COMPANIONS[path], ...optionsWith(path, value) }), path);

describe('the options of the gate', () => {
  it.each(BOUNDS)('have %s: %d unless told otherwise, from %d to %d', (path, fallback, min, max) => {
    expect(valueAt(resolve(), path)).toBe(fallback);
    expect([resolveAt(path, min), resolveAt(path, max)]).toEqual([min, max]);
    for (const wrong of [min - 1, max + 1, Number.NaN, null, 'many']) {
      const { code, message } = refusalOf(() => resolveAt(path, wrong));
      expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining(`gate.${path}`)]);
    }
  });

  it('are frozen, in all depth, and none is known that has no bounds here', () => {
    const resolved = resolve();
    expect(isDeeplyFrozen(resolved)).toBe(true);
    const known = new Set(BOUNDS.map(([path]) => path.split('.')[0]));
    expect(Object.keys(resolved).filter(name => !known.has(name))).toEqual(['policies']);
  });

  it('refuse names that they do not know', () => {
    expect(refusalOf(() => resolve({ maxFrame: 3 })).message).toContain("'maxFrame'");
    expect(refusalOf(() => resolve({ policies: { frames: 'ban' } })).message).toContain("'frames'");
  });

  it('disconnect after every violation that has a choice, unless told otherwise', () => {
    expect(new Set(Object.values(resolve().policies))).toEqual(new Set(['disconnect']));
    expect(Object.keys(resolve().policies)).toEqual([...POLICY_KINDS]);
  });

  it.each(POLICY_KINDS)('let %s lead to a tarpit or a ban, and to a discard where there is something to skip', kind => {
    for (const policy of ['disconnect', 'tarpit', 'ban'] as const) {
      expect(resolve({ policies: { [kind]: policy } }).policies[kind]).toBe(policy);
    }
    const isSkippable = ['frame-too-large', 'message-too-large', 'too-many-frames'].includes(kind);
    const discard = () => resolve({ policies: { [kind]: 'discard' } }).policies[kind];
    expect(isSkippable ? discard() : refusalOf(discard).code).toBe(isSkippable ? 'discard' : 'INVALID_OPTIONS');
    expect(refusalOf(() => resolve({ policies: { [kind]: 'reject' } })).message).toContain(kind);
  });

  it('want a timeout of heartbeats that is longer than their interval', () => {
    const { message } = refusalOf(() => resolve({ heartbeatInterval: 60_000 }));
    expect(message).toContain('gate.heartbeatTimeout (60000) must be longer than heartbeatInterval (60000)');
  });
});

describe('changed options of the gate', () => {
  const inForce = resolve({ maxFrames: 8, rate: { messages: 100 }, policies: { framing: 'ban' } });
  const merge = (changes: unknown) => mergeGateOptions(inForce, changes, 'limits.gate');

  it('are merged with those in force, groups as well', () => {
    const merged = merge({ maxConnections: 5, rate: { bytes: '1mb' }, policies: { identity: 'tarpit' } });
    expect(merged).toMatchObject({
      maxFrames: 8,
      maxConnections: 5,
      rate: { messages: 100, bytes: 1024 * KIBI },
      policies: { framing: 'ban', identity: 'tarpit', handshake: 'disconnect' },
    });
    expect(inForce).toMatchObject({ maxConnections: 10_000, rate: { bytes: 4 * GIBI } });
    expect(isDeeplyFrozen(merged)).toBe(true);
  });

  it('leave as it is what is undefined, and all when there is nothing', () => {
    expect(merge({ maxFrames: undefined, rate: undefined })).toEqual(inForce);
    expect(merge({ rate: { messages: undefined } }).rate.messages).toBeGreaterThan(0);
    expect(merge(undefined)).toEqual(inForce);
  });

  it('are refused with their name, and change nothing', () => {
    expect(refusalOf(() => merge({ maxFrames: 1 })).message).toContain('limits.gate.maxFrames');
    expect(refusalOf(() => merge({ frames: 1 })).message).toContain("'frames'");
    expect(refusalOf(() => merge({ heartbeatInterval: 60_000 })).message).toContain('heartbeatTimeout');
    expect(refusalOf(() => merge([])).code).toBe('INVALID_OPTIONS');
  });
});
