import { describe, expect, it, onTestFinished } from 'vitest';
import { Shedding, type LoadSample, type SheddingChange } from '../../../lib/limits/shedding.js';
import { LoadMonitor, type LoadMonitorOptions } from '../../../lib/monitoring/load-monitor.js';

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Blocks the event loop again and again, for so long at a time; gives what ends that. */
function blockOften(ms: number): () => void {
  let isOver = false;
  const next = (): void => {
    if (!isOver) {
      block(ms);
      setImmediate(next);
    }
  };
  next();
  onTestFinished(() => void (isOver = true));
  return () => void (isOver = true);
}

/** Watches this process until `isLast` is true of a sample, and gives all of them. */
function watch(options: Partial<LoadMonitorOptions>, isLast: (sample: LoadSample) => boolean): Promise<LoadSample[]> {
  return new Promise(resolve => {
    const samples: LoadSample[] = [];
    const onSample = (sample: LoadSample): void => {
      samples.push(sample);
      if (isLast(sample)) {
        monitor.stop();
        resolve(samples);
      }
    };
    const monitor = new LoadMonitor({ interval: 50, onSample, ...options });
    onTestFinished(() => monitor.stop());
    monitor.start();
  });
}

describe('the load of this process', () => {
  it('is told with figures of V8 and of the system', async () => {
    const [sample] = await watch({ needsRss: () => true }, () => true);
    const { rss } = process.memoryUsage();
    expect(sample?.heapUsedPart).toBeGreaterThan(0);
    expect(sample?.heapUsedPart).toBeLessThan(1);
    expect(sample?.rssBytes).toBeGreaterThan(rss / 2);
    expect(sample?.rssBytes).toBeLessThan(rss * 2);
  });

  it('has hardly any delay where there is little to do', async () => {
    const samples = await watch({}, ({ eventLoopDelayMs }) => eventLoopDelayMs < 5);
    expect(samples.at(-1)?.eventLoopDelayMs).toBeGreaterThanOrEqual(0);
  });

  it('shows in each sample that the event loop is blocked all the time', async () => {
    blockOften(120);
    let count = 0;
    const samples = await watch({}, () => ++count === 5);
    // The first interval may have begun at any moment of a block.
    for (const { eventLoopDelayMs } of samples.slice(1)) {
      expect(eventLoopDelayMs).toBeGreaterThan(80);
    }
  });

  it('shows a block that begins with the sample before and is over long before the next', async () => {
    let count = 0;
    const samples = await watch({ interval: 400 }, () => {
      block(200);
      return ++count === 2;
    });
    expect(samples.at(-1)?.eventLoopDelayMs).toBeGreaterThan(70);
  });

  it('begins shedding while the event loop is blocked, and ends it after that', async () => {
    const shedding = new Shedding({ eventLoopDelay: 60, heap: 1, rss: undefined, recovery: 0.8 });
    const changes: (SheddingChange | undefined)[] = [];
    const release = blockOften(120);
    await watch({}, sample => {
      const change = shedding.update(sample);
      if (change !== undefined) {
        changes.push(change);
        release();
      }
      return change?.isOn === false;
    });
    expect(changes.map(change => [change?.isOn, change?.reason])).toEqual([
      [true, 'event-loop'],
      [false, 'event-loop'],
    ]);
  });

  it('is watched without keeping the process alive', () => {
    const monitor = new LoadMonitor({ interval: 50, onSample: () => undefined });
    onTestFinished(() => monitor.stop());
    const before = process.getActiveResourcesInfo();
    monitor.start();
    expect(process.getActiveResourcesInfo()).toEqual(before);
  });
});
