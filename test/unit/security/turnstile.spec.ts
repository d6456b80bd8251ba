import { describe, expect, it } from 'vitest';
import { Turnstile } from '../../../lib/security/turnstile.js';

describe('Turnstile', () => {
  it('lets a few run, a few wait in their order, and turns the rest away at once', async () => {
    const turnstile = new Turnstile({ maxRunning: 1, maxWaiting: 2 });
    const entered: string[] = [];
    const enter = async (name: string) =>
      (await turnstile.enter()) ? entered.push(name) : entered.push(`not ${name}`);
    const all = ['a', 'b', 'c', 'd'].map(enter);
    await Promise.all([all[0], all[3]]);
    expect(entered).toEqual(['a', 'not d']);
    turnstile.leave();
    await all[1];
    turnstile.leave();
    await all[2];
    expect(entered).toEqual(['a', 'not d', 'b', 'c']);
  });

  it('takes the lowest rank first, and turns the highest away where too many wait', async () => {
    const turnstile = new Turnstile({ maxRunning: 1, maxWaiting: 3 });
    const entered: string[] = [];
    const enter = async (name: string, rank: number) =>
      (await turnstile.enter(rank)) ? entered.push(name) : entered.push(`not ${name}`);
    const all = [
      enter('first', 9),
      enter('often', 5),
      enter('seldom', 1),
      enter('never', 0),
      enter('also seldom', 1),
      enter('too often', 7),
    ];
    await Promise.all([all[0], all[1], all[5]]);
    for (const index of [3, 2, 4]) {
      turnstile.leave();
      await all[index];
    }
    expect(entered).toEqual(['first', 'not often', 'not too often', 'never', 'seldom', 'also seldom']);
  });

  it('has room again when all have left', async () => {
    const turnstile = new Turnstile({ maxRunning: 1, maxWaiting: 0 });
    const first = await turnstile.enter();
    const second = await turnstile.enter();
    turnstile.leave();
    expect([first, second, await turnstile.enter()]).toEqual([true, false, true]);
  });
});
