import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QueuedPacket } from '../../../lib/socket/queued-packet.js';
import { createOutbox, idEncoder, packetOf } from '../../support/outbox.js';

const anyAction = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('push' as const), bytes: fc.nat(500) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('cancel' as const), index: fc.nat(200) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('settle' as const), outcome: fc.constantFrom('sent' as const, 'full') }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom('turn' as const, 'retry', 'flush', 'open', 'shut', 'drain'),
    }),
  },
);

describe('Outbox', () => {
  it('sends every packet once and in order, or not at all if it was cancelled in time, and holds nothing at the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyAction, { maxLength: 120 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (actions, maxPackets, closes) => {
          let open = true;
          const { outbox, wire, budget } = createOutbox({
            encoder: idEncoder(maxPackets),
            admit: ({ id }) => open || id % 3 !== 0,
          });
          wire.outcome = undefined;
          const pushed: QueuedPacket[] = [];
          const settled = new Map<number, number>();
          const drained = new Set<number>();
          const delivered: number[] = [];
          const pending: number[] = [];
          for (const action of actions) {
            switch (action.type) {
              case 'push': {
                const packet = packetOf(pushed.length, action.bytes);
                packet.onSettled = () => void settled.set(packet.id, (settled.get(packet.id) ?? 0) + 1);
                pushed.push(packet);
                outbox.push(packet);
                break;
              }
              case 'cancel': {
                const packet = pushed[action.index % Math.max(1, pushed.length)];
                if (packet?.sent === false) {
                  packet.cancelled = true;
                }
                break;
              }
              case 'settle':
                if (wire.transmissions.length > pending.length) {
                  pending.push(wire.transmissions.length);
                  wire.last.settle(action.outcome);
                  if (action.outcome === 'sent') {
                    delivered.push(...wire.last.ids);
                  }
                  await turn();
                }
                break;
              case 'turn':
                await turn();
                break;
              case 'retry':
                outbox.retry();
                break;
              case 'flush':
                outbox.flush();
                break;
              case 'open':
              case 'shut':
                open = action.type === 'open';
                break;
              case 'drain':
                outbox.drain().forEach(({ id }) => drained.add(id));
                break;
              default:
                action satisfies never;
            }
            expect(budget.used).toBe(2 * outbox.bytes);
            expect(outbox.bytes).toBeGreaterThanOrEqual(0);
          }
          // Let everything leave, or close with whatever there is.
          open = true;
          wire.outcome = 'sent';
          const cut = closes ? outbox.close() : 0;
          for (let round = 0; round < 300 && !outbox.idle; round++) {
            if (wire.transmissions.length > pending.length) {
              delivered.push(...wire.transmissions.slice(pending.length).flatMap(({ ids }) => ids));
              wire.transmissions.slice(pending.length).forEach(({ settle }) => settle('sent'));
              pending.length = wire.transmissions.length;
            }
            outbox.retry();
            outbox.flush();
            await turn();
          }
          delivered.push(...wire.transmissions.slice(pending.length).flatMap(({ ids }) => ids));
          expect([outbox.idle, outbox.bytes, budget.used]).toEqual([true, 0, 0]);
          expect(delivered).toEqual(delivered.toSorted((a, b) => a - b));
          expect(new Set(delivered).size).toBe(delivered.length);
          expect([...settled.values()].every(times => times === 1)).toBe(true);
          const lost = pushed.filter(({ id, cancelled }) => !cancelled && !delivered.includes(id) && !drained.has(id));
          expect(lost.length).toBe(cut);
          expect(delivered.every(id => !pushed[id]!.cancelled && settled.has(id))).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});
