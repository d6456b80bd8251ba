import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StalledPeers } from '../../../lib/server/stalled-peers.js';
import { FakeClock } from '../../support/fake-clock.js';
import { packetOf } from '../../support/outbox.js';
import { createPeer } from '../../support/peers.js';

async function setUp() {
  const clock = new FakeClock();
  const stalled = new StalledPeers(clock);
  const { peer, wire } = createPeer('a');
  wire.outcome = 'full';
  peer.outbox.push(packetOf(1));
  await turn();
  return { clock, stalled, peer, wire };
}

describe('StalledPeers', () => {
  it('tries again by time, ever more rarely, at least every 50 ms', async () => {
    const { clock, stalled, peer, wire } = await setUp();
    const tries: number[] = [];
    stalled.add(peer);
    const start = clock.now();
    for (let elapsed = 0; elapsed < 400; elapsed++) {
      const { length } = wire.messages;
      clock.advance(1);
      if (wire.messages.length > length) {
        tries.push(clock.now() - start);
        await turn();
        stalled.add(peer);
      }
    }
    expect(tries.slice(0, 7)).toEqual([2, 6, 14, 30, 62, 112, 162]);
  });

  it('remembers since when a peer takes nothing, until it takes something', async () => {
    const { clock, stalled, peer } = await setUp();
    const since = clock.now();
    stalled.add(peer);
    clock.advance(500);
    stalled.add(peer);
    expect(peer.stalledSince).toBe(since);
    stalled.delete(peer);
    expect(peer.stalledSince).toBeUndefined();
    clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  it('leaves no timer behind when it is cleared', async () => {
    const { clock, stalled, peer, wire } = await setUp();
    stalled.add(peer);
    stalled.clear();
    clock.advance(1_000);
    expect([clock.pending, wire.messages.length]).toEqual([0, 1]);
  });
});
