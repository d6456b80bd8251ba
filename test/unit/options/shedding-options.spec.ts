import { describe, expect, it } from 'vitest';
import { sheddingOptions } from '../../../lib/options/shedding-options.js';
import { isDeeplyFrozen, optionsWith, valueAt, type Bound } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const MEBI = 1024 ** 2;

const BOUNDS: readonly Bound[] = [
  ['eventLoopDelay', 500, 10, 3_600_000],
  ['heap', 0.9, 0.1, 1],
  ['recovery', 0.8, 0.1, 1],
  ['interval', 250, 50, 60_000],
];

const resolve = (options?: unknown) => sheddingOptions(options, 'shedding');

describe('the options of load shedding', () => {
  it.each(BOUNDS)('have %s: %d unless told otherwise, from %d to %d', (path, fallback, min, max) => {
    const resolveAt = (value: unknown) => valueAt(resolve(optionsWith(path, value)), path);
    expect(valueAt(resolve(), path)).toBe(fallback);
    expect([resolveAt(min), resolveAt(max)]).toEqual([min, max]);
    for (const wrong of [min - 0.01, max + 0.01, Number.NaN, null, 'many']) {
      const { code, message } = refusalOf(() => resolveAt(wrong));
      expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining(`shedding.${path}`)]);
    }
  });

  it('have no bound of resident memory unless one is given, from 1 MB to 1 TB', () => {
    expect(resolve()).toHaveProperty('rss', undefined);
    expect(resolve({ rss: '1mb' })).toHaveProperty('rss', MEBI);
    expect(resolve({ rss: 1024 ** 4 })).toHaveProperty('rss', 1024 ** 4);
    for (const wrong of [MEBI - 1, 1024 ** 4 + 1, null, '1 MB', 0.5]) {
      expect(refusalOf(() => resolve({ rss: wrong })).message).toContain('shedding.rss');
    }
  });

  it('are frozen, and none is known that is not listed here', () => {
    expect(isDeeplyFrozen(resolve())).toBe(true);
    const known = [...BOUNDS.map(([path]) => path), 'rss'];
    expect(Object.keys(resolve({}) as object).toSorted()).toEqual(known.toSorted());
    expect(refusalOf(() => resolve({ eventLoop: 3 })).message).toContain("shedding has no option 'eventLoop'");
  });

  it('switch it off by false, and by nothing else', () => {
    expect(resolve(false)).toBe(false);
    for (const wrong of [true, 0, 'false', null, []]) {
      const { code, message } = refusalOf(() => resolve(wrong));
      expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining('shedding must be')]);
    }
    expect(refusalOf(() => resolve(true)).message).toBe(
      'shedding must be false or { eventLoopDelay, heap, rss, recovery, interval }, but is true.',
    );
  });
});
