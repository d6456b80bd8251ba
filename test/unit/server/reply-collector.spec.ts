import { describe, expect, it } from 'vitest';
import { JsonReplies, type JsonMessage } from '../../../lib/server/json-replies.js';
import { ReplyCollector } from '../../../lib/server/reply-collector.js';
import { createBudget, FakeSink } from '../../support/peers.js';

function setUp({ requests = 1, maxSize = 2_000 } = {}) {
  const sink = new FakeSink();
  const replies = new JsonReplies({ id: '1', delimited: true, maxSize, serializer: undefined });
  const answers = () => sink.packets.map(packet => JSON.parse((packet as JsonMessage).text) as unknown);
  const budget = createBudget();
  return { sink, replies, answers, budget, collector: new ReplyCollector({ requests, maxSize, sink, budget }) };
}

describe('ReplyCollector', () => {
  it('sends the only answer as an object, with an empty frame before it', () => {
    const { collector, replies, answers, sink } = setUp();
    collector.push(replies.value('a', true));
    expect(answers()).toEqual([]);
    collector.settle();
    expect(answers()).toEqual([{ id: '1', response: 'a', isDisposed: true }]);
    expect((sink.packets[0] as JsonMessage).delimited).toBe(true);
  });

  it('sends all values of all requests as one array, once the last request has settled', () => {
    const { collector, replies, answers } = setUp({ requests: 2 });
    collector.push(replies.value(1, false));
    collector.settle();
    expect(answers()).toEqual([]);
    collector.push(replies.value(2, true));
    collector.settle();
    expect(answers()).toEqual([
      [
        { id: '1', response: 1 },
        { id: '1', response: 2, isDisposed: true },
      ],
    ]);
  });

  it('takes up a value that was marked as the last one after it was collected', () => {
    const { collector, replies, answers } = setUp();
    const packet = replies.value(1, false);
    collector.push(packet);
    replies.markLast(packet);
    collector.settle();
    expect(answers()).toEqual([{ id: '1', response: 1, isDisposed: true }]);
  });

  it('has room up to the largest message, and answers with an error above it', () => {
    const { collector, replies, answers } = setUp({ maxSize: 400, requests: 2 });
    const packet = replies.value('x'.repeat(300), true);
    expect(collector.hasRoom(packet.charge)).toBe(false);
    expect(collector.hasRoom(400)).toBe(true);
    collector.push(packet);
    collector.push(replies.value('y'.repeat(300), true));
    collector.settle();
    collector.settle();
    expect(answers()).toMatchObject([
      { err: { code: 'RESPONSE_TOO_LARGE', details: { limit: 400 } }, isDisposed: true },
    ]);
  });

  it('answers once, however often it is told that requests have settled', () => {
    const { collector, replies, sink } = setUp();
    collector.push(replies.complete());
    collector.settle();
    collector.settle();
    expect(sink.packets).toHaveLength(1);
  });

  it('charges what it holds to the budget until it is sent or abandoned', () => {
    const { collector, replies, budget } = setUp({ requests: 2 });
    collector.push(replies.value('x'.repeat(500), true));
    expect(budget.used).toBeGreaterThan(500);
    collector.settle();
    collector.push(replies.value('y', true));
    collector.settle();
    expect(budget.used).toBe(0);

    const abandoned = setUp({ requests: 2 });
    abandoned.collector.push(abandoned.replies.value('x', true));
    abandoned.collector.abandon();
    expect(abandoned.budget.used).toBe(0);
  });

  it('leaves nothing out without saying so', () => {
    const { collector, replies, answers } = setUp({ requests: 40 });
    for (let request = 0; request < 40; request++) {
      collector.push(replies.error({ code: 'INTERNAL', message: 'x' }));
      collector.settle();
    }
    expect(answers()).toMatchObject([{ err: { code: 'RESPONSE_TOO_LARGE' } }]);
  });
});
