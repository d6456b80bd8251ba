import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WrittenBodies } from '../../../../lib/cli/gate/written-bodies.js';
import { ByteBudget } from '../../../../lib/limits/byte-budget.js';
import { BudgetAccount } from '../../../../lib/limits/peer-account.js';

const LARGE = 100_000;

/** Notes which bodies were given back, by their first byte. */
class RecyclingAccount extends BudgetAccount {
  readonly given: number[] = [];

  constructor() {
    super(new ByteBudget(1));
  }

  override recycle(frames: readonly Buffer[] = []): void {
    this.given.push(...frames.map(frame => frame[0] as number));
  }
}

function create() {
  const account = new RecyclingAccount();
  const connection = { queued: 0 };
  const bodies = new WrittenBodies(() => connection.queued);
  const add = (number: number, bytes = LARGE) =>
    bodies.add({ frames: [Buffer.alloc(bytes, number)], bytes: bytes + 192, account });
  return { account, connection, bodies, add };
}

describe('the bodies of messages that have been written', () => {
  it('are given back once the connection has nothing left to write', async () => {
    const { account, add } = create();
    add(1);
    add(2);
    expect(account.given).toEqual([]);
    await setImmediate();
    expect(account.given).toEqual([1, 2]);
  });

  it('are kept as long as bytes of them may be among those that wait', async () => {
    const { account, connection, bodies, add } = create();
    connection.queued = 2 * LARGE + 1;
    [1, 2, 3, 4].forEach(number => add(number));
    await setImmediate();
    expect(account.given).toEqual([1]);
    connection.queued = LARGE;
    bodies.check();
    await setImmediate();
    expect(account.given).toEqual([1, 2, 3]);
    connection.queued = 1;
    bodies.check();
    await setImmediate();
    expect(account.given).toEqual([1, 2, 3]);
  });

  it('are left alone where they are small, or the connection has ended', async () => {
    const { account, bodies, add } = create();
    add(1, 1_000);
    add(2);
    bodies.forget();
    await setImmediate();
    expect(account.given).toEqual([]);
  });

  it('are not collected without bound', async () => {
    const { account, connection, bodies, add } = create();
    connection.queued = Infinity;
    for (let number = 0; number < 200; number++) {
      add(number);
    }
    await setImmediate();
    connection.queued = 0;
    bodies.check();
    await setImmediate();
    expect(account.given).toHaveLength(64);
  });
});
