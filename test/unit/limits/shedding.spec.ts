import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Shedding, type LoadSample, type SheddingThresholds } from '../../../lib/limits/shedding.js';

const THRESHOLDS: SheddingThresholds = { eventLoopDelay: 100, heap: 0.5, rss: 1_000, recovery: 0.8 };
const CALM: LoadSample = { eventLoopDelayMs: 0, heapUsedPart: 0.1, rssBytes: 0 };

const late = (eventLoopDelayMs: number): LoadSample => ({ ...CALM, eventLoopDelayMs });
const full = (heapUsedPart: number): LoadSample => ({ ...CALM, heapUsedPart });
const large = (rssBytes: number): LoadSample => ({ ...CALM, rssBytes });

/** A rule that has begun for the sample. */
function begun(sample: LoadSample, thresholds = THRESHOLDS): Shedding {
  const shedding = new Shedding(thresholds);
  shedding.update(sample);
  shedding.update(sample);
  return shedding;
}

describe('load shedding', () => {
  it.each([
    ['event-loop', late(101)],
    ['heap', full(0.51)],
    ['rss', large(1_001)],
  ] as const)('begins for %s with the second sample in a row above the threshold', (reason, sample) => {
    const shedding = new Shedding(THRESHOLDS);
    expect([shedding.update(sample), shedding.isOn, shedding.reason]).toEqual([undefined, false, undefined]);
    expect(shedding.update(sample)).toEqual({ isOn: true, reason, sample });
    expect([shedding.isOn, shedding.reason]).toEqual([true, reason]);
    expect(shedding.update(sample)).toBeUndefined();
  });

  it.each([
    ['one sample alone', [late(5_000), CALM, late(5_000), CALM]],
    ['samples at a threshold', [late(100), late(100), full(0.5), full(0.5)]],
    ['two samples in a row above different thresholds', [full(0.6), late(300), full(0.6), late(300)]],
  ])('does not begin for %s', (_, samples) => {
    const shedding = new Shedding(THRESHOLDS);
    expect(samples.map(sample => shedding.update(sample))).toEqual(samples.map(() => undefined));
  });

  it('has no bound of resident memory where none is given', () => {
    expect(begun(large(Number.MAX_SAFE_INTEGER), { ...THRESHOLDS, rss: undefined }).isOn).toBe(false);
  });

  it('goes on while the measure is between recovery and threshold, and ends with the first sample below', () => {
    const shedding = begun(late(200));
    expect([late(99), late(80), late(81), late(99)].map(sample => shedding.update(sample))).toEqual(
      [1, 2, 3, 4].map(() => undefined),
    );
    expect(shedding.isOn).toBe(true);
    expect(shedding.update(late(79))).toEqual({ isOn: false, reason: 'event-loop', sample: late(79) });
    expect([shedding.isOn, shedding.reason]).toEqual([false, undefined]);
  });

  it('goes on for another measure that has not recovered, and says so', () => {
    const shedding = begun(late(200));
    expect(shedding.update(full(0.45))).toBeUndefined();
    expect([shedding.isOn, shedding.reason]).toEqual([true, 'heap']);
    expect(shedding.update(CALM)).toEqual({ isOn: false, reason: 'heap', sample: CALM });
  });

  it('keeps the reason that it began for while that lasts', () => {
    const shedding = begun(full(0.6));
    shedding.update({ eventLoopDelayMs: 900, heapUsedPart: 0.45, rssBytes: 9_000 });
    expect(shedding.reason).toBe('heap');
  });

  it('needs two samples in a row again after it has ended', () => {
    const shedding = begun(late(200));
    shedding.update(CALM);
    expect([shedding.update(late(200))?.isOn, shedding.update(late(200))?.isOn]).toEqual([undefined, true]);
  });

  it('keeps to other thresholds from the next sample on', () => {
    const shedding = begun(late(200));
    shedding.thresholds = { ...THRESHOLDS, eventLoopDelay: 1_000 };
    expect(shedding.isOn).toBe(true);
    expect(shedding.update(late(200))?.isOn).toBe(false);
    shedding.thresholds = THRESHOLDS;
    expect([shedding.update(late(200))?.isOn, shedding.update(late(200))?.isOn]).toEqual([undefined, true]);
  });

  it('ends for resident memory when the bound is taken away', () => {
    const shedding = begun(large(2_000));
    shedding.thresholds = { ...THRESHOLDS, rss: undefined };
    expect(shedding.update(large(2_000))?.isOn).toBe(false);
  });
});

describe('load shedding, whatever the load', () => {
  // Near the thresholds as well as far from them.
  const around = (threshold: number) =>
    fc.oneof(fc.nat(130), fc.constantFrom(0, 79, 80, 81, 100, 101)).map(percent => (percent * threshold) / 100);
  const samples = fc.array(
    fc.record({ eventLoopDelayMs: around(100), heapUsedPart: around(0.5), rssBytes: around(1_000) }),
    { size: 'large' },
  );
  const loadsOf = ({ eventLoopDelayMs, heapUsedPart, rssBytes }: LoadSample, recovery = 1) => [
    [eventLoopDelayMs, recovery * 100],
    [heapUsedPart, recovery * 0.5],
    [rssBytes, recovery * 1_000],
  ];
  const isAbove = (sample: LoadSample): boolean[] =>
    loadsOf(sample).map(([value = 0, threshold = 0]) => value > threshold);
  const isCalm = (sample: LoadSample): boolean =>
    loadsOf(sample, 0.8).every(([value = 0, threshold = 0]) => value < threshold);

  it('is on exactly from two samples above one threshold until one at which all have recovered', () => {
    fc.assert(
      fc.property(samples, all => {
        const shedding = new Shedding(THRESHOLDS);
        let isOn = false;
        const expected = all.map((sample, index) => {
          const previous = isAbove(all[index - 1] ?? CALM);
          isOn = isOn ? !isCalm(sample) : isAbove(sample).some((above, measure) => above && previous[measure]);
          return isOn;
        });
        const seen = all.map(sample => {
          shedding.update(sample);
          return shedding.isOn;
        });
        expect(seen).toEqual(expected);
      }),
    );
  });

  it('tells of each beginning and each end, and of nothing else', () => {
    fc.assert(
      fc.property(samples, all => {
        const shedding = new Shedding(THRESHOLDS);
        const told: unknown[] = [];
        const seen: unknown[] = [];
        for (const sample of all) {
          const before = shedding.isOn;
          const change = shedding.update(sample);
          told.push(change && [change.isOn, change.sample]);
          seen.push(shedding.isOn === before ? undefined : [shedding.isOn, sample]);
          seen.push(shedding.reason !== undefined);
          told.push(shedding.isOn);
        }
        expect(told).toEqual(seen);
      }),
    );
  });
});
