import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyActions, anySizes, MAX_MESSAGE, Model, PEERS } from '../../support/ledger-model.js';

describe('the ledger, whatever is done with it', () => {
  it('counts exactly what is held, and never lets more be received than it may', () => {
    fc.assert(
      fc.property(anySizes, anyActions, (sizes, actions) => {
        const model = new Model(sizes);
        for (const action of actions) {
          model.run(action);
          model.check();
        }
        expect(model.ledger.receiving.used).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 100 },
    );
  });

  it('grants everybody in the end what was waited for, once others get on or are evicted, and is left with nothing', () => {
    fc.assert(
      fc.property(
        anySizes,
        anyActions,
        fc.array(fc.boolean(), { minLength: PEERS, maxLength: PEERS }),
        (sizes, actions, diligent) => {
          const model = new Model(sizes);
          actions.forEach(action => model.run(action));
          model.finish(index => diligent[index]!);
          expect(model.peers.filter(peer => peer.isWaiting)).toEqual([]);
          for (const peer of model.peers) {
            peer.account.release(model.heldBy(peer));
            if (!peer.isClosed) {
              peer.close();
            }
          }
          expect([model.ledger.receiving.used, model.ledger.receiving.waiters, model.held.used]).toEqual([0, 0, 0]);
          model.clock.advance(10_000);
          expect(model.clock.pending).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('evicts nobody who gets on, whatever the others do', () => {
    fc.assert(
      fc.property(anySizes, anyActions, (sizes, actions) => {
        const model = new Model(sizes);
        for (const action of actions) {
          if (action.type !== 'pass' && action.type !== 'look away') {
            model.run(action);
          }
          model.peers.forEach(peer => peer.receive(MAX_MESSAGE / 10));
          model.peers.forEach(peer => peer.lackingBytes === 0 && !peer.isWaiting && peer.complete());
          model.clock.advance(20);
        }
        for (let round = 0; round < 400; round++) {
          model.peers.forEach(peer => {
            peer.receive(MAX_MESSAGE / 10);
            if (peer.lackingBytes === 0 && !peer.isWaiting) {
              peer.complete();
            }
            peer.unstash();
          });
          model.clock.advance(20);
        }
        const closed = actions.filter(({ type }) => type === 'close').length;
        expect(model.peers.filter(({ isClosed }) => isClosed).length).toBeLessThanOrEqual(closed);
        expect(model.peers.filter(peer => peer.isWaiting)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
