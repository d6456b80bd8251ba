import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isAsyncIterable, PullSource } from '../../../lib/server/pull-source.js';

/** An AsyncIterable whose values the test gives one by one. */
class Producer implements AsyncIterable<number> {
  asked = 0;
  returned = 0;
  private waiting: { resolve: (result: IteratorResult<number>) => void; reject: (error: Error) => void } | undefined;

  [Symbol.asyncIterator](): AsyncIterator<number> {
    return {
      next: () => {
        this.asked++;
        return new Promise((resolve, reject) => {
          this.waiting = { resolve, reject };
        });
      },
      return: () => {
        this.returned++;
        return Promise.reject(new Error('cannot clean up'));
      },
    };
  }

  give(value: number): void {
    this.waiting?.resolve({ value, done: false });
  }

  end(): void {
    this.waiting?.resolve({ value: undefined, done: true });
  }

  fail(error: Error): void {
    this.waiting?.reject(error);
  }
}

function setUp(iterable: AsyncIterable<unknown>) {
  const told: unknown[] = [];
  const state = { ready: true };
  const source = new PullSource(iterable);
  const start = () =>
    source.start({
      ready: () => state.ready,
      next: value => told.push(value),
      error: error => told.push(`error ${(error as Error).message}`),
      complete: () => told.push('complete'),
    });
  return { source, told, state, start };
}

describe('PullSource', () => {
  it('takes one value after the other, then the end', async () => {
    const producer = new Producer();
    const { told, start } = setUp(producer);
    start();
    await turn();
    expect(producer.asked).toBe(1);
    producer.give(1);
    await turn();
    producer.give(2);
    await turn();
    producer.end();
    await turn();
    expect([told, producer.asked]).toEqual([[1, 2, 'complete'], 3]);
  });

  it('asks for nothing while nobody wants a value', async () => {
    const producer = new Producer();
    const { source, state, told, start } = setUp(producer);
    state.ready = false;
    start();
    await turn();
    source.resume();
    await turn();
    expect(producer.asked).toBe(0);
    state.ready = true;
    source.resume();
    source.resume();
    await turn();
    producer.give(1);
    await turn();
    expect([told, producer.asked]).toEqual([[1], 2]);
  });

  it('tells of the error of a producer', async () => {
    const producer = new Producer();
    const { told, start } = setUp(producer);
    start();
    await turn();
    producer.fail(new Error('broken'));
    await turn();
    expect(told).toEqual(['error broken']);
  });

  it.each(['give', 'end', 'fail'] as const)('tells nothing of what comes after it was closed: %s', async what => {
    const producer = new Producer();
    const { source, told, start } = setUp(producer);
    start();
    await turn();
    await source.close();
    if (what === 'give') {
      producer.give(1);
    } else if (what === 'end') {
      producer.end();
    } else {
      producer.fail(new Error('late'));
    }
    await turn();
    expect([told, producer.asked, producer.returned]).toEqual([[], 1, 1]);
  });

  it('ends its wait when it is closed while nobody wants a value', async () => {
    const producer = new Producer();
    const { source, state, told, start } = setUp(producer);
    state.ready = false;
    start();
    await turn();
    await source.close();
    state.ready = true;
    source.resume();
    await turn();
    expect([told, producer.asked]).toEqual([[], 0]);
  });

  it('lets a generator clean up when it is closed between two values', async () => {
    let cleaned = false;
    async function* values() {
      try {
        yield 1;
        yield 2;
      } finally {
        cleaned = true;
      }
    }
    const { source, state, told, start } = setUp(values());
    start();
    state.ready = true;
    await Promise.resolve();
    await Promise.resolve();
    state.ready = false;
    await turn();
    await source.close();
    expect([cleaned, told.includes('complete')]).toEqual([true, false]);
  });

  it('may be closed although it was never started, or has nothing to pull', async () => {
    const producer = new Producer();
    await new PullSource(producer).close();
    await new PullSource('a value').close();
    expect([producer.asked, producer.returned]).toEqual([0, 1]);
  });

  it('lets the event loop turn while a producer never waits for anything', async () => {
    async function* numbers() {
      for (let value = 0; value < 5_000_000; value++) {
        yield value;
      }
    }
    const { source, told, start } = setUp(numbers());
    start();
    await turn();
    await turn();
    await source.close();
    expect(told.length).toBeGreaterThan(0);
    expect(told).not.toContain('complete');
  });
});

describe('isAsyncIterable', () => {
  it.each([null, undefined, 1, 'text', {}, [1], new Set(), Promise.resolve(1), { [Symbol.asyncIterator]: 1 }])(
    'is false for %o',
    value => {
      expect(isAsyncIterable(value)).toBe(false);
    },
  );
});
