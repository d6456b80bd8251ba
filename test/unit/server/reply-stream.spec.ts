import { describe, expect, it } from 'vitest';
import { ReplyStream } from '../../../lib/server/reply-stream.js';
import { isCollected } from '../../support/garbage.js';
import { OVERHEAD, packetOf } from '../../support/outbox.js';
import { createBudget, FakeSink } from '../../support/peers.js';
import { refusalOf } from '../../support/refusal.js';

function setUp({ window = 2, maxBytes = 10_000, limit = 1_000_000 } = {}) {
  const sink = new FakeSink();
  const budget = createBudget(limit);
  return { sink, budget, stream: new ReplyStream({ sink, window, maxBytes, budget }) };
}

describe('ReplyStream', () => {
  it('lets as many values leave as the caller asked for, and the rest as it asks for more', () => {
    const { stream, sink, budget } = setUp();
    [1, 2, 3, 4, 5].forEach(id => stream.push(packetOf(id)));
    expect([sink.ids, stream.empty, stream.ready, budget.used]).toEqual([[1, 2], false, false, 3 * OVERHEAD]);
    stream.grant(2);
    expect([stream.pump(), sink.ids]).toEqual([false, [1, 2, 3, 4]]);
    stream.grant(5);
    expect([stream.pump(), sink.ids, budget.used, stream.ready]).toEqual([true, [1, 2, 3, 4, 5], 0, true]);
  });

  it('has no bound of its own for a caller without flow control', () => {
    const { stream, sink } = setUp({ window: 0 });
    for (let id = 0; id < 1_000; id++) {
      stream.push(packetOf(id));
    }
    expect(sink.packets).toHaveLength(1_000);
  });

  it('holds values back while the sink is congested, and keeps their order', () => {
    const { stream, sink } = setUp({ window: 0 });
    sink.congested = true;
    stream.push(packetOf(1));
    expect([sink.ids, stream.blockedBySink]).toEqual([[], true]);
    sink.congested = false;
    stream.push(packetOf(2));
    expect(sink.ids).toEqual([]);
    expect([stream.pump(), sink.ids, stream.blockedBySink]).toEqual([true, [1, 2], false]);
  });

  it('is not blocked by the sink while it is the caller that asks for nothing', () => {
    const { stream, sink } = setUp({ window: 1 });
    sink.congested = true;
    stream.push(packetOf(1));
    sink.congested = false;
    stream.pump();
    sink.congested = true;
    stream.push(packetOf(2));
    expect(stream.blockedBySink).toBe(false);
  });

  it('refuses what a slow consumer would have it keep beyond its bound', () => {
    const { stream, budget } = setUp({ window: 1, maxBytes: 2 * OVERHEAD });
    [1, 2, 3].forEach(id => stream.push(packetOf(id)));
    const { code, details } = refusalOf(() => stream.push(packetOf(4)));
    expect([code, details]).toEqual(['BACKPRESSURE', { limit: 2 * OVERHEAD }]);
    stream.close();
    expect([budget.used, stream.empty, stream.lastPacket]).toEqual([0, true, undefined]);
  });

  it('keeps nothing while the memory budget is exceeded', () => {
    const { stream, budget } = setUp({ window: 1, limit: 50 });
    budget.charge(51);
    stream.push(packetOf(1));
    expect(refusalOf(() => stream.push(packetOf(2))).code).toBe('BACKPRESSURE');
  });

  it('refuses with the code of the sink what finds no room there', () => {
    const { stream, sink } = setUp();
    sink.room = false;
    expect(refusalOf(() => stream.push(packetOf(1))).code).toBe('BACKPRESSURE');
    stream.close();
  });

  it('does not keep what has left a buffer that is never quite empty', async () => {
    const { stream, sink } = setUp({ window: 1, maxBytes: 1e9 });
    stream.push(packetOf(0));
    let first: WeakRef<object> | undefined;
    for (let id = 1; id <= 1_000; id++) {
      const packet = packetOf(id);
      first ??= new WeakRef(packet);
      stream.push(packet);
      stream.grant(id === 1 ? 0 : 1);
      stream.pump();
    }
    expect(stream.empty).toBe(false);
    sink.packets.length = 0;
    expect(await isCollected(first!)).toBe(true);
  });
});
