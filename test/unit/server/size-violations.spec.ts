import { NEVER, of, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createServerCounters } from '../../../lib/monitoring/server-counters.js';
import type { HandlerRules } from '../../../lib/pipeline/handler-rules.js';
import type { ServerApplication } from '../../../lib/server/application.js';
import { BinaryReplies } from '../../../lib/server/binary-replies.js';
import { SizeViolations } from '../../../lib/server/size-violations.js';
import { createPeer, FakeSink } from '../../support/peers.js';
import { createApplication, createRoute } from '../../support/routes.js';

function setup(rules: HandlerRules, violated?: ServerApplication['violated'], endsConnections = true) {
  const told: unknown[] = [];
  const { peer } = createPeer('a');
  const counters = createServerCounters();
  const violations = new SizeViolations({
    application: createApplication({ violated }),
    counters,
    note: (_peer, kind) => told.push(`noted ${kind}`),
    disconnect: (_peer, kind) => {
      peer.departed = endsConnections;
      told.push(`disconnected ${kind}`);
    },
    failed: (_pattern, error) => told.push(String(error)),
  });
  const route = createRoute({ maxMessageSize: 10, ...rules });
  const sink = new FakeSink();
  const handle = (isRequest = true) => {
    const fields = { id: 1, encoding: 'json', maxSize: 1_024, maxErrorSize: 1_024, serializer: undefined } as const;
    const answer = isRequest ? { replies: new BinaryReplies(fields), sink } : undefined;
    violations.handle({
      peer,
      sender: peer.signedBy({ name: 'press-7', roles: [] }),
      route,
      size: 11,
      timeoutMs: 0,
      metadata: () => ({ a: 'b' }),
      answer,
      done: () => told.push('done'),
    });
  };
  return { handle, told, sink, peer, counters, route };
}

/** Lets everything happen that waits for nothing but promises. */
const settle = () => new Promise(resolve => process.nextTick(() => setImmediate(resolve)));

describe('SizeViolations', () => {
  it('acts at once where nobody has to be asked', () => {
    const { handle, told, sink, counters, route } = setup({});
    handle();
    expect([told, sink.packets.length, sink.settled]).toEqual([['noted handler-size', 'done'], 1, 1]);
    expect([counters.refused, route.refused.size]).toEqual([1, 1]);
  });

  it('settles what is discarded without an answer', () => {
    const { handle, told, sink } = setup({ onViolation: 'discard' });
    handle();
    expect([told, sink.packets.length, sink.settled]).toEqual([['noted handler-size', 'done'], 0, 1]);
  });

  it('books a connection that it ends once', () => {
    const { handle, told, sink } = setup({ onViolation: 'disconnect' });
    handle();
    expect([told, sink.packets.length]).toEqual([['disconnected handler-size', 'done'], 0]);
  });

  it('refuses where the engine ends no connections', () => {
    const { handle, told, sink } = setup({ onViolation: 'disconnect' }, undefined, false);
    handle();
    expect(told).toEqual(['disconnected handler-size', 'done']);
    expect([sink.packets.length, sink.settled]).toEqual([1, 1]);
  });

  it('does as a function says, at once or later', async () => {
    const { handle, told, sink } = setup({ onViolation: () => Promise.resolve('discard' as const) });
    handle();
    expect(told).toEqual([]);
    await settle();
    expect([told, sink.packets.length, sink.settled]).toEqual([['noted handler-size', 'done'], 0, 1]);
  });

  it('tells a function who has signed the message', async () => {
    const seen: unknown[] = [];
    const { handle } = setup({ onViolation: (_violation, context) => void seen.push(context.getPeer().identity) });
    handle();
    await settle();
    expect(seen).toEqual(['press-7']);
  });

  it('refuses, and tells the log, where a function fails', async () => {
    const { handle, told, sink } = setup({ onViolation: () => Promise.reject(new Error('broken')) });
    handle();
    await settle();
    expect(told).toEqual(['Error: broken', 'noted handler-size', 'done']);
    expect(sink.packets).toHaveLength(1);
  });

  it('tells the log what an interceptor failed of, once', async () => {
    const { handle, told, sink } = setup({}, () => Promise.resolve(throwError(() => new Error('broken'))));
    handle();
    handle(false);
    await settle();
    expect(told).toEqual([
      'noted handler-size',
      'Error: broken',
      'noted handler-size',
      'Error: broken',
      'done',
      'done',
    ]);
    expect([sink.packets.length, sink.settled]).toEqual([1, 1]);
  });

  it('books one who has left meanwhile, and answers nothing', async () => {
    const { handle, told, sink, peer } = setup({}, () => Promise.resolve(of('answer')));
    handle();
    peer.departed = true;
    await settle();
    expect(sink.packets).toEqual([]);
    expect(told.at(-1)).toBe('done');
    expect(told).toHaveLength(2);
  });

  it('asks nobody about more than 1,024 at a time', async () => {
    let asked = 0;
    const { handle, sink } = setup({}, () => {
      asked++;
      return Promise.resolve(NEVER);
    });
    for (let i = 0; i < 1_100; i++) {
      handle();
    }
    await settle();
    expect([asked, sink.packets.length]).toEqual([1_024, 76]);
  });

  describe('that waits for a decision', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });

    afterEach(() => {
      vi.useRealTimers();
    });

    it.each<[string, HandlerRules, ServerApplication['violated']]>([
      ['an interceptor', {}, () => Promise.resolve(NEVER)],
      ['a function', { onViolation: () => new Promise<never>(() => undefined) }, undefined],
    ])('refuses when %s takes too long', async (_who, rules, violated) => {
      const { handle, told, sink } = setup(rules, violated);
      handle();
      await vi.advanceTimersByTimeAsync(4_999);
      expect(sink.packets).toHaveLength(0);
      await vi.advanceTimersByTimeAsync(1);
      expect(told).toEqual(['Error: There was no decision within 5000 ms.', 'noted handler-size', 'done']);
      expect(sink.packets).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('leaves no timer behind', async () => {
      const { handle } = setup({}, () => Promise.resolve(of('answer')));
      handle();
      await vi.advanceTimersByTimeAsync(0);
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
