import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoadSample } from '../../../lib/limits/shedding.js';
import { LoadMonitor, type LoadMonitorOptions, type TickHistogram } from '../../../lib/monitoring/load-monitor.js';
import { FakeClock } from '../../support/fake-clock.js';

const RESOLUTION = 10;

/** A histogram of the gaps between ticks that the test gives, in milliseconds. */
class Ticks implements TickHistogram {
  isEnabled = false;

  constructor(public gaps: readonly number[] = []) {}

  get count(): number {
    return this.gaps.length;
  }

  get mean(): number {
    return (1e6 * sum(this.gaps)) / this.count;
  }

  get max(): number {
    return 1e6 * Math.max(0, ...this.gaps);
  }

  enable(): boolean {
    this.isEnabled = true;
    return true;
  }

  disable(): boolean {
    this.isEnabled = false;
    return true;
  }

  reset(): void {
    this.gaps = [];
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function setUp(options: Partial<LoadMonitorOptions> = {}) {
  const clock = new FakeClock();
  const ticks = new Ticks();
  const samples: LoadSample[] = [];
  const onSample = (sample: LoadSample) => samples.push(sample);
  const monitor = new LoadMonitor({ interval: 250, clock, watchTicks: () => ticks, onSample, ...options });
  monitor.start();
  return { clock, ticks, samples, monitor };
}

/** The delay of an interval with these gaps between ticks, and so much time before the first tick and after the last. */
function delayOf(gaps: readonly number[], ends: number): number {
  const interval = sum(gaps) + ends;
  const { clock, ticks, samples } = setUp({ interval });
  ticks.gaps = gaps;
  clock.advance(interval);
  return samples[0]?.eventLoopDelayMs ?? Number.NaN;
}

const ofTicks = (count: number): number[] => Array.from({ length: count }, () => RESOLUTION);

describe('the delay of the event loop', () => {
  it('is nothing while all ticks come in time, wherever the interval begins between two', () => {
    for (const ends of [0, 10, 20]) {
      expect(delayOf(ofTicks(23), ends)).toBe(0);
    }
  });

  it('is nothing while all that ticks come late by is no more than the time between two of them', () => {
    expect(delayOf([...ofTicks(20), 20], 20)).toBe(0);
    expect(delayOf([...ofTicks(20), 21], 20)).toBeCloseTo((11 * 21) / 241);
  });

  it('counts a block for as long as it lasts, not as one tick among many', () => {
    expect(delayOf([...ofTicks(10), 1_010], 0)).toBeCloseTo((1_010 * 1_000) / 1_110);
  });

  it('is the length of the turns, less that of a tick, where one follows the other', () => {
    expect(delayOf([610, 610, 610], 0)).toBeCloseTo(600);
  });

  it('shows a block that left no tick at all', () => {
    expect(delayOf([], 620)).toBeCloseTo(600);
  });

  it('shows a block between the last sample and the first tick, of which the histogram knows nothing', () => {
    expect(delayOf(ofTicks(5), 220)).toBeCloseTo((220 * 200) / 270);
  });

  it('is never more than the longest time without a tick, and never less than the average over time', () => {
    const gap = fc.oneof(fc.constant(RESOLUTION), fc.double({ min: RESOLUTION, max: 3_000, noNaN: true }));
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 50 }), fc.double({ min: 1, max: 3_000, noNaN: true }), (gaps, ends) => {
        const late = [...gaps.map(ms => ms * (ms - RESOLUTION)), ends * Math.max(0, ends - 2 * RESOLUTION)];
        const elapsed = sum(gaps) + ends;
        const isInTime = elapsed <= (gaps.length + 3) * RESOLUTION;
        const delay = delayOf(gaps, ends);
        expect(delay).toBeLessThanOrEqual(Math.max(ends, ...gaps));
        expect(delay).toBeGreaterThanOrEqual(isInTime ? 0 : sum(late) / elapsed - 1e-6);
      }),
    );
  });

  it('is that since the last sample', () => {
    const { clock, ticks, samples } = setUp();
    ticks.gaps = [250];
    clock.advance(250);
    ticks.gaps = ofTicks(25);
    clock.advance(250);
    expect(samples.map(({ eventLoopDelayMs }) => Math.round(eventLoopDelayMs))).toEqual([240, 0]);
  });
});

describe('a sample of the load', () => {
  it('has the part of the heap that is in use', () => {
    const { clock, samples } = setUp({ heap: () => ({ used_heap_size: 30, heap_size_limit: 40 }) });
    clock.advance(250);
    expect(samples[0]?.heapUsedPart).toBe(0.75);
  });

  it('has resident memory only while that is wanted', () => {
    let isWanted = false;
    let asked = 0;
    const resident = () => ++asked;
    const { clock, samples } = setUp({ needsRss: () => isWanted, resident });
    clock.advance(250);
    expect(asked).toBe(0);
    isWanted = true;
    clock.advance(250);
    isWanted = false;
    clock.advance(250);
    expect([asked, samples.map(({ rssBytes }) => rssBytes)]).toEqual([1, [0, 1, 0]]);
  });

  it('has the last known resident memory where the system does not tell', () => {
    const answers = [7, undefined, 9];
    const resident = () => {
      const answer = answers.shift();
      if (answer === undefined) {
        throw new Error('EMFILE');
      }
      return answer;
    };
    const { clock, samples } = setUp({ needsRss: () => true, resident });
    clock.advance(750);
    expect(samples.map(({ rssBytes }) => rssBytes)).toEqual([7, 7, 9]);
  });
});

describe('LoadMonitor', () => {
  it('takes a sample in each interval, and keeps to another interval from the next sample on', () => {
    const { clock, samples, monitor } = setUp();
    clock.advance(749);
    expect(samples).toHaveLength(2);
    monitor.interval = 1_000;
    clock.advance(1);
    expect(samples).toHaveLength(3);
    clock.advance(999);
    expect(samples).toHaveLength(3);
    clock.advance(1);
    expect(samples).toHaveLength(4);
  });

  it('takes one sample, not several, after the process was held up', () => {
    const { clock, samples } = setUp();
    clock.holdUp(10_000);
    expect(samples).toHaveLength(1);
    clock.advance(249);
    expect(samples).toHaveLength(1);
  });

  it('leaves neither timer nor histogram behind, and can be started again', () => {
    const { clock, ticks, samples, monitor } = setUp();
    expect([ticks.isEnabled, clock.pending]).toEqual([true, 1]);
    monitor.stop();
    monitor.stop();
    expect([ticks.isEnabled, clock.pending]).toEqual([false, 0]);
    clock.advance(1_000);
    monitor.start();
    clock.advance(250);
    expect([ticks.isEnabled, clock.pending, samples.length]).toEqual([true, 1, 1]);
    // Time during which it was stopped is nobody's delay.
    expect(samples[0]?.eventLoopDelayMs).toBeLessThanOrEqual(250);
  });

  it('runs once, however often it is started', () => {
    const { clock, samples, monitor } = setUp();
    monitor.start();
    expect(clock.pending).toBe(1);
    clock.advance(250);
    expect(samples).toHaveLength(1);
  });

  it('can be stopped by whoever gets a sample', () => {
    let taken = 0;
    const { clock, ticks, monitor } = setUp({
      onSample: () => {
        taken++;
        monitor.stop();
      },
    });
    clock.advance(1_000);
    expect([taken, ticks.isEnabled, clock.pending]).toEqual([1, false, 0]);
  });
});
