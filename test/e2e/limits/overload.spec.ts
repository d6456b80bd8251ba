import { beforeAll, describe, expect, it, vi } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../../support/build.js';
import { OfferingProcess, quantile, WorkProcess, type LoadOutcome } from '../../support/offering.js';
import { ENGINES } from '../../support/places.js';

const MEBI = 1024 ** 2;
/** More of it gives steadier figures. */
const SECONDS = Number(process.env['OVERLOAD_SECONDS'] ?? 3);
const PLACES = 4;
const QUEUE = 20;
const WORK_MS = 10;
const DEADLINE_MS = 500;
const MEMORY_BUDGET = 64 * MEBI;
const HEADROOM = 32 * MEBI;
const CLIENTS = 2;
const FILL = 2_000;

function sum(outcomes: readonly LoadOutcome[]) {
  const codes: Record<string, number> = {};
  for (const [code, count] of outcomes.flatMap(outcome => Object.entries(outcome.codes))) {
    codes[code] = (codes[code] ?? 0) + count;
  }
  return {
    offered: outcomes.reduce((total, { offered }) => total + offered, 0),
    silent: outcomes.reduce((total, { silent }) => total + silent, 0),
    latencies: outcomes.flatMap(({ latencies }) => latencies),
    seconds: Math.max(...outcomes.map(({ seconds }) => seconds)),
    codes,
  };
}

describe.each(ENGINES)('a handler that is offered five times what it can do, with the engine %s,', engine => {
  beforeAll(() => ensureBuild(), BUILD_TIMEOUT_MS);

  it(
    'serves as much as it can in time, refuses the rest with a code, and stays within the memory budget',
    { timeout: 1_000 * (2 * SECONDS + 30) },
    async () => {
      const server = await WorkProcess.start({
        server: { bind: 'tcp://127.0.0.1:*', engine, memoryBudget: MEMORY_BUDGET },
        places: PLACES,
        queue: QUEUE,
        workMs: WORK_MS,
      });
      const clients = await Promise.all(
        Array.from({ length: CLIENTS }, () => OfferingProcess.start({ connect: server.endpoint })),
      );
      const load = { deadlineMs: DEADLINE_MS, fill: FILL };

      // All that four places can do on this machine, without a single refusal.
      const calm = sum([
        await (clients[0] as OfferingProcess).offer({ ...load, seconds: 1.5, atATime: PLACES + QUEUE / 2 }),
      ]);
      expect(calm.codes).toEqual({});
      const capacity = calm.latencies.length / calm.seconds;

      const before = await server.look();
      let highest = before.rss;
      const watch = setInterval(() => void server.look().then(({ rss }) => (highest = Math.max(highest, rss))), 100);
      const perSecond = (5 * capacity) / CLIENTS;
      const outcome = sum(
        await Promise.all(clients.map(client => client.offer({ ...load, seconds: SECONDS, perSecond }))),
      );
      clearInterval(watch);
      const after = await server.look();
      const possible = ((after.turns - before.turns) / (after.at - before.at)) * 1_000;

      const { latencies, codes, offered, silent, seconds } = outcome;
      const refused = Object.values(codes).reduce((total, count) => total + count, 0);
      const figures = {
        capacity: Math.round(capacity),
        possible: Math.round(possible),
        offered: Math.round(offered / SECONDS),
        goodput: Math.round(latencies.length / seconds),
        p50: Math.round(quantile(latencies, 0.5)),
        p99: Math.round(quantile(latencies, 0.99)),
        codes,
        growthMb: Math.round((highest - before.rss) / MEBI),
      };
      console.log(`${engine}, ${SECONDS} s: ${JSON.stringify(figures)}`);

      expect(silent).toBe(0);
      expect(latencies.length + refused).toBe(offered);
      expect(Object.keys(codes).filter(code => code !== 'OVERLOADED' && code !== 'DEADLINE_EXCEEDED')).toEqual([]);
      expect(offered).toBeGreaterThan(4 * capacity * SECONDS);
      // Other programs may want the machine meanwhile, which must not fail this; refusing must not take it up, either.
      expect(figures.goodput).toBeGreaterThanOrEqual(0.9 * Math.min(capacity, possible));
      expect(possible).toBeGreaterThan(capacity / 2);
      expect(quantile(latencies, 0.99)).toBeLessThanOrEqual(DEADLINE_MS);
      expect(highest - before.rss).toBeLessThan(MEMORY_BUDGET + HEADROOM);
      // A client stops waiting at its deadline; the handler that was late finishes a moment later.
      await vi.waitFor(
        async () => {
          const { stats } = await server.look();
          expect(stats.handlers['work']).toMatchObject({ running: 0, waiting: 0, mostWaiting: QUEUE });
          expect(stats).toMatchObject({ running: 0, heldBytes: 0, outboxBytes: 0 });
        },
        { timeout: 5_000, interval: 20 },
      );
    },
  );
});
