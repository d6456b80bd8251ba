import { describe, expect, it } from 'vitest';
import { RequestQueue, type Request } from '../../../../lib/cli/gate/request-queue.js';
import { ByteBudget } from '../../../../lib/limits/byte-budget.js';
import { BudgetAccount } from '../../../../lib/limits/peer-account.js';

const account = new BudgetAccount(new ByteBudget(1));

function request(number: number): Request {
  return { frames: [], bytes: number, account };
}

describe('the queue of requests', () => {
  it('gives them in the order in which they came, however many', () => {
    const queue = new RequestQueue();
    const taken: (number | undefined)[] = [];
    for (let number = 0; number < 5_000; number++) {
      queue.add(request(number));
      if (number % 2 === 1) {
        taken.push(queue.take()?.bytes);
      }
    }
    expect(queue.length).toBe(2_500);
    while (queue.length > 0) {
      taken.push(queue.take()?.bytes);
    }
    expect(taken).toEqual(Array.from({ length: 5_000 }, (_, number) => number));
    expect(queue.take()).toBeUndefined();
  });

  it('gives up what is left at once', () => {
    const queue = new RequestQueue();
    [1, 2, 3].forEach(number => queue.add(request(number)));
    queue.take();
    expect(queue.clear().map(({ bytes }) => bytes)).toEqual([2, 3]);
    expect(queue.length).toBe(0);
  });
});
