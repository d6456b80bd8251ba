import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sheddingOptions, type ZmqSheddingOptions } from '../../../lib/options/shedding-options.js';
import { LoadShedding, type ZmqOverload } from '../../../lib/server/load-shedding.js';

const MEBI = 1024 ** 2;
/** No process that runs these tests is below the one or above the other. */
const EXCEEDED: ZmqSheddingOptions = { rss: MEBI, eventLoopDelay: 3_600_000, heap: 1, interval: 50 };
const CALM: ZmqSheddingOptions = { rss: 1024 * 1024 * MEBI, eventLoopDelay: 3_600_000, heap: 1, interval: 50 };

const resolve = (options: ZmqSheddingOptions | false) => sheddingOptions(options, 'shedding');

describe('shedding of load', () => {
  const changes: ZmqOverload[] = [];
  let shedding: LoadShedding;

  const create = (options: ZmqSheddingOptions | false) => {
    shedding = new LoadShedding(resolve(options), change => changes.push(change));
    return shedding;
  };
  const told = () => changes.map(({ isShedding, reason }) => [isShedding, reason]);

  beforeEach(() => {
    vi.useFakeTimers();
    changes.length = 0;
  });

  afterEach(() => {
    shedding.stop();
    vi.useRealTimers();
  });

  it('begins with the second look above a threshold and ends below all of them', () => {
    create(EXCEEDED).start();
    vi.advanceTimersByTime(99);
    expect(told()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(told()).toEqual([[true, 'rss']]);
    shedding.adjust(resolve(CALM));
    vi.advanceTimersByTime(50);
    expect(told()).toEqual([
      [true, 'rss'],
      [false, 'rss'],
    ]);
  });

  it('looks at nothing where it is switched off', () => {
    create(false).start();
    vi.advanceTimersByTime(10_000);
    expect([told(), vi.getTimerCount()]).toEqual([[], 0]);
  });

  it('ends at once when it is switched off', () => {
    create(EXCEEDED).start();
    vi.advanceTimersByTime(100);
    shedding.adjust(false);
    expect([told(), vi.getTimerCount()]).toEqual([
      [
        [true, 'rss'],
        [false, 'rss'],
      ],
      0,
    ]);
  });

  it('is switched on while it runs', () => {
    create(false).start();
    shedding.adjust(resolve(EXCEEDED));
    vi.advanceTimersByTime(100);
    expect(told()).toEqual([[true, 'rss']]);
  });

  it.each([EXCEEDED, false] as const)('watches nothing while its server does not run, from %j on', before => {
    create(before);
    shedding.adjust(resolve(false));
    shedding.adjust(resolve(EXCEEDED));
    vi.advanceTimersByTime(1_000);
    expect([told(), vi.getTimerCount()]).toEqual([[], 0]);
    shedding.start();
    vi.advanceTimersByTime(100);
    expect([told(), vi.getTimerCount()]).toEqual([[[true, 'rss']], 1]);
  });

  it('stays stopped when limits are changed after that', () => {
    create(EXCEEDED).start();
    shedding.stop();
    shedding.adjust(resolve(CALM));
    shedding.adjust(resolve(EXCEEDED));
    vi.advanceTimersByTime(1_000);
    expect([told(), vi.getTimerCount()]).toEqual([[], 0]);
  });
});
