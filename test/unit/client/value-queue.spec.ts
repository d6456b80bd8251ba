import { describe, expect, it } from 'vitest';
import { ValueQueue } from '../../../lib/client/value-queue.js';
import { isCollected } from '../../support/garbage.js';

function setUp<T = number>() {
  const told: string[] = [];
  const queue = new ValueQueue<T>({
    onStart: () => told.push('start'),
    onTaken: () => told.push('taken'),
    onReturn: () => told.push('return'),
  });
  return { queue, told };
}

const DONE = { value: undefined, done: true };

describe('ValueQueue', () => {
  it('starts with the first wish, and tells of each value that is taken', async () => {
    const { queue, told } = setUp();
    expect(told).toEqual([]);
    const first = queue.next();
    expect(told).toEqual(['start']);
    queue.push(1);
    queue.push(2);
    expect(await first).toEqual({ value: 1, done: false });
    expect(told).toEqual(['start', 'taken']);
    expect(await queue.next()).toEqual({ value: 2, done: false });
    expect(told).toEqual(['start', 'taken', 'taken']);
  });

  it('answers several wishes in their order', async () => {
    const { queue } = setUp();
    const wishes = [queue.next(), queue.next(), queue.next()];
    queue.push(1);
    queue.push(2);
    queue.end();
    expect(await Promise.all(wishes)).toEqual([{ value: 1, done: false }, { value: 2, done: false }, DONE]);
  });

  it('gives out what came before the end, or before an error, which is told once', async () => {
    const { queue } = setUp();
    queue.push(1);
    queue.fail(new Error('broken'));
    expect(await queue.next()).toEqual({ value: 1, done: false });
    await expect(queue.next()).rejects.toThrow('broken');
    expect(await queue.next()).toEqual(DONE);
  });

  it('tells an error to the first who waits, and the end to the others', async () => {
    const { queue } = setUp();
    const [first, second] = [queue.next(), queue.next()];
    queue.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    expect([await second, await queue.next()]).toEqual([DONE, DONE]);
  });

  it('ends at once when the loop is left, whatever waits or comes afterwards', async () => {
    const { queue, told } = setUp();
    queue.push(1);
    expect(await queue.return()).toEqual(DONE);
    queue.push(2);
    queue.fail(new Error('late'));
    expect(await queue.next()).toEqual(DONE);
    expect(told).toEqual(['return']);
  });

  it('lets who waits go when the loop is left', async () => {
    const { queue } = setUp();
    const waiting = queue.next();
    await queue.return();
    expect(await waiting).toEqual(DONE);
  });

  it('works in a loop', async () => {
    const { queue, told } = setUp();
    [1, 2, 3].forEach(value => queue.push(value));
    const seen: number[] = [];
    for await (const value of queue) {
      seen.push(value);
      if (value === 2) {
        break;
      }
    }
    expect([seen, told.at(-1)]).toEqual([[1, 2], 'return']);
  });

  it('does not keep values that were taken out of a queue that is never quite empty', async () => {
    const { queue } = setUp<object>();
    const first = new WeakRef(await fill(queue));
    expect(await isCollected(first)).toBe(true);
    queue.end();
  });
});

async function fill(queue: ValueQueue<object>): Promise<object> {
  const first = {};
  queue.push(first);
  for (let index = 0; index < 1_000; index++) {
    queue.push({ index });
    await queue.next();
  }
  return first;
}
