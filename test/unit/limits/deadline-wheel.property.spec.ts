import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineWheel, Expiring } from '../../../lib/limits/deadline-wheel.js';
import { FakeClock } from '../../support/fake-clock.js';

const TICK = 10;

type Action =
  | { readonly type: 'add'; readonly item: number; readonly ms: number }
  | { readonly type: 'remove'; readonly item: number }
  | { readonly type: 'advance' | 'holdUp'; readonly ms: number };

const item = fc.nat(9);
const delay = fc.oneof(fc.nat(40), fc.double({ min: 0.001, max: 20_000, noNaN: true }), fc.nat(20_000));
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant('add' as const), item, ms: delay }),
  fc.record({ type: fc.constant('remove' as const), item }),
  fc.record({ type: fc.constant('advance' as const), ms: fc.oneof(fc.nat(60), fc.nat(8_000)) }),
  fc.record({ type: fc.constant('holdUp' as const), ms: fc.oneof(fc.nat(60), fc.nat(12_000)) }),
);

class Item extends Expiring {
  /** When it should expire, as the model sees it. */
  due: number | undefined = undefined;

  constructor(private readonly onExpire: (item: Item) => void) {
    super();
  }

  override expire(): void {
    this.onExpire(this);
  }
}

describe('DeadlineWheel', () => {
  it('expires exactly what is due, never early and at most two ticks late, whatever is done with it', () => {
    fc.assert(
      fc.property(
        fc.array(anyAction, { maxLength: 60 }),
        fc.double({ min: 0, max: 50_000, noNaN: true }),
        (actions, start) => {
          const clock = new FakeClock(start);
          const wheel = new DeadlineWheel(clock);
          let heldUpUntil = 0;
          const items = Array.from(
            { length: 10 },
            () =>
              new Item(expired => {
                expect(expired.due).toBeDefined();
                const late = clock.now() - expired.due!;
                expect(late).toBeGreaterThanOrEqual(0);
                // A process that is held up can only be as punctual as its timers are.
                expect(late <= 2 * TICK || clock.now() <= heldUpUntil + 2 * TICK).toBe(true);
                expired.due = undefined;
              }),
          );
          for (const action of actions) {
            switch (action.type) {
              case 'add':
                items[action.item]!.due = clock.now() + action.ms;
                wheel.add(items[action.item]!, action.ms);
                break;
              case 'remove':
                items[action.item]!.due = undefined;
                wheel.remove(items[action.item]!);
                break;
              case 'advance':
                clock.advance(action.ms);
                break;
              case 'holdUp':
                heldUpUntil = clock.now() + action.ms;
                clock.holdUp(action.ms);
                break;
              default:
                action satisfies never;
            }
            expect(wheel.size).toBe(items.filter(({ due }) => due !== undefined).length);
          }
          clock.advance(20_000 + 2 * TICK);
          expect(items.every(({ due }) => due === undefined)).toBe(true);
          expect([wheel.size, clock.pending]).toEqual([0, 0]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
