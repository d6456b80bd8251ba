import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { scheduleFlush } from '../../../lib/socket/flush-scheduler.js';

describe('scheduleFlush', () => {
  it('flushes after all that is ready, before the event loop turns', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('turn'));
    process.nextTick(() => order.push('tick'));
    scheduleFlush({ flush: () => order.push('flush') });
    void Promise.resolve()
      .then(() => order.push('promise 1'))
      .then(() => order.push('promise 2'))
      .then(() => order.push('promise 3'));
    order.push('code');
    await turn();
    await turn();
    expect(order.slice(0, -1)).toEqual(
      ['code', 'tick', 'promise 1', 'promise 2', 'promise 3', 'flush'].toSorted(
        (a, b) => order.indexOf(a) - order.indexOf(b),
      ),
    );
    expect(order.indexOf('flush')).toBeGreaterThan(order.indexOf('promise 3'));
    expect(order.indexOf('flush')).toBeLessThan(order.indexOf('turn'));
  });

  it('flushes all that asked, in their order', async () => {
    const order: number[] = [];
    for (const id of [1, 2, 3]) {
      scheduleFlush({ flush: () => order.push(id) });
    }
    await turn();
    expect(order).toEqual([1, 2, 3]);
  });

  it('flushes what asks during a flush in a later round', async () => {
    const order: string[] = [];
    scheduleFlush({
      flush: () => {
        order.push('first');
        scheduleFlush({ flush: () => order.push('third') });
      },
    });
    scheduleFlush({ flush: () => order.push('second') });
    await turn();
    expect(order).toEqual(['first', 'second', 'third']);
  });
});
