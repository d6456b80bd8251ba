import { describe, expect, it } from 'vitest';
import { Holdings } from '../../../../lib/cli/gate/holdings.js';
import { BudgetAccount } from '../../../../lib/limits/peer-account.js';

function create() {
  const holdings = new Holdings(1_000);
  const account = new BudgetAccount(holdings);
  let changes = 0;
  holdings.onReplyRoom = () => changes++;
  /** Bytes of replies on their way to an address. */
  const reply = (address: string, bytes: number) => {
    holdings.repliesChanged(address, bytes);
    if (bytes > 0) {
      account.charge(bytes);
    } else {
      account.release(-bytes);
    }
  };
  const mayRead = (...addresses: readonly string[]) => addresses.map(address => holdings.mayReadReplies(address));
  return { holdings, account, reply, mayRead, changes: () => changes };
}

describe('what the gate program holds', () => {
  it('is charged to the account of the sender while it waits for the service', () => {
    const { holdings, account } = create();
    holdings.requestsChanged(account, 300);
    holdings.requestsChanged(account, -100);
    expect({ used: holdings.used, requests: holdings.requests }).toEqual({ used: 200, requests: 200 });
  });

  it('leaves replies with the service from a quarter of the budget on, but for addresses that have none', () => {
    const { reply, mayRead, changes } = create();
    reply('greedy', 250);
    expect(mayRead('greedy', 'other')).toEqual([true, true]);
    reply('greedy', 1);
    expect(mayRead('greedy', 'other')).toEqual([false, true]);
    expect(changes()).toBe(1);
  });

  it('leaves all replies with the service from half of the budget on', () => {
    const { reply, mayRead } = create();
    reply('greedy', 501);
    expect(mayRead('greedy', 'other')).toEqual([false, false]);
  });

  it('goes on when a good part of the replies has been taken, or an address has none any more', () => {
    const { reply, mayRead, changes } = create();
    reply('greedy', 400);
    reply('other', 101);
    reply('other', -101);
    expect(mayRead('greedy', 'other')).toEqual([false, false]);
    reply('greedy', -25);
    expect(mayRead('greedy', 'other')).toEqual([false, true]);
    reply('other', 10);
    expect(mayRead('other')).toEqual([false]);
    const before = changes();
    reply('other', -10);
    expect(changes()).toBe(before + 1);
    reply('greedy', -200);
    expect(mayRead('greedy')).toEqual([true]);
  });

  it('does not count requests as replies, which the service could not take then', () => {
    const { holdings, account, mayRead, changes } = create();
    holdings.requestsChanged(account, 2_000);
    account.charge(200);
    holdings.requestsChanged(account, -1_000);
    holdings.requestsChanged(account, -1_000);
    expect(mayRead('any')).toEqual([true]);
    expect(changes()).toBe(0);
  });
});
