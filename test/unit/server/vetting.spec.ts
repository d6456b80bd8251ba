import { describe, expect, it } from 'vitest';
import type { HandlerRules, RateLimitRule } from '../../../lib/pipeline/handler-rules.js';
import type { ZmqErrorObject } from '../../../lib/errors/zmq.exception.js';
import { BinaryReplies } from '../../../lib/server/binary-replies.js';
import type { Access } from '../../../lib/server/access.js';
import { SizeViolations } from '../../../lib/server/size-violations.js';
import { Vetting, type Envelope } from '../../../lib/server/vetting.js';
import { createServerCounters } from '../../../lib/monitoring/server-counters.js';
import { createPeer, FakeSink } from '../../support/peers.js';
import { createRoute } from '../../support/routes.js';

const RATE: RateLimitRule = { points: 1, bytes: undefined, duration: 60_000, by: 'peer', name: undefined };

function setup(rules: HandlerRules, guarded: readonly string[] = []) {
  const refusals: string[] = [];
  const noted: unknown[] = [];
  const asked: unknown[] = [];
  const access: Pick<Access, 'refuses'> = { refuses: (...args) => asked.push(args) > 0 };
  const vetting = new Vetting({
    access: access as Access,
    sizeViolations: new SizeViolations({
      application: undefined,
      counters: createServerCounters(),
      note: (_peer, kind, figures) => noted.push([kind, figures]),
      disconnect: () => undefined,
      failed: () => undefined,
    }),
    refused: (_envelope: Envelope, refusal: ZmqErrorObject) => refusals.push(refusal.code),
  });
  const route = createRoute(rules, { guarded });
  const sink = new FakeSink();
  const { peer } = createPeer('a');
  let done = 0;
  const envelope = (fields: Partial<Envelope> = {}): Envelope => {
    const replies = new BinaryReplies({
      id: 1,
      encoding: 'json',
      maxSize: 1_024,
      maxErrorSize: 1_024,
      serializer: undefined,
    });
    const metadata = () => {
      throw new Error('decoded');
    };
    const sender = peer.identity;
    return {
      peer,
      sender,
      route,
      size: 10,
      timeoutMs: 0,
      metadata,
      answer: { replies, sink },
      done: () => done++,
      ...fields,
    };
  };
  return { vetting, route, peer, asked, sink, refusals, noted, envelope, doneCount: () => done };
}

describe('Vetting', () => {
  it('asks who may call', () => {
    const { vetting, peer, route, asked } = setup({});
    const attempt = { peer, sender: peer.identity, route, kind: 'event' } as const;
    expect(vetting.forbids(attempt)).toBe(true);
    expect(asked).toEqual([[attempt]]);
  });

  it('has nothing to ask about a handler without limits, or within its size', () => {
    const { vetting, route } = setup({ maxMessageSize: 10 });
    expect(vetting.isPlain(route, 10)).toBe(true);
    expect(vetting.isPlain(route, 11)).toBe(false);
    vetting.isShedding = true;
    expect(vetting.isPlain(route, 10)).toBe(false);
    const rated = setup({ rateLimit: [RATE] });
    expect(rated.vetting.isPlain(rated.route, 1)).toBe(false);
  });

  it('refuses what is too large before all else, without counting it by the rate', () => {
    const { vetting, route, sink, refusals, noted, envelope, doneCount } = setup({
      maxMessageSize: 10,
      rateLimit: [RATE],
    });
    expect(vetting.passes(envelope({ size: 11 }))).toBe(false);
    expect(noted).toEqual([['handler-size', { limit: 10, actual: 11 }]]);
    expect(vetting.passes(envelope())).toBe(true);
    expect(vetting.passes(envelope())).toBe(false);
    expect(refusals).toEqual(['RATE_LIMITED']);
    expect(route.refused).toEqual({ access: 0, size: 1, rate: 1, overload: 0 });
    expect(sink.packets).toHaveLength(2);
    expect(sink.settled).toBe(2);
    expect(doneCount()).toBe(2);
  });

  it('answers no event, but says that it is done', () => {
    const { vetting, sink, refusals, envelope, doneCount } = setup({ rateLimit: [RATE] });
    expect(vetting.passes(envelope({ answer: undefined }))).toBe(true);
    expect(vetting.passes(envelope({ answer: undefined }))).toBe(false);
    expect([refusals, sink.packets.length, doneCount()]).toEqual([['RATE_LIMITED'], 0, 1]);
  });

  it('leaves rates to the guard where there is one', () => {
    const { vetting, envelope } = setup({ rateLimit: [RATE] }, ['route']);
    expect([vetting.passes(envelope()), vetting.passes(envelope())]).toEqual([true, true]);
  });

  it('takes critical requests only while there is too much to do', () => {
    const normal = setup({});
    const critical = setup({ priority: 'critical' });
    for (const { vetting } of [normal, critical]) {
      vetting.isShedding = true;
    }
    expect(normal.vetting.passes(normal.envelope())).toBe(false);
    expect(critical.vetting.passes(critical.envelope())).toBe(true);
    expect(normal.refusals).toEqual(['OVERLOADED']);
    expect(normal.route.refused.overload).toBe(1);
  });

  it('refuses what finds neither a place nor room to wait, without counting it by the rate', () => {
    const { vetting, route, refusals, envelope } = setup({
      concurrency: { limit: 1, queue: 0 },
      rateLimit: [{ ...RATE, points: 2 }],
    });
    expect(vetting.passes(envelope())).toBe(true);
    route.enter({ start: () => undefined });
    expect(vetting.passes(envelope())).toBe(false);
    route.leave();
    expect(vetting.passes(envelope())).toBe(true);
    expect(refusals).toEqual(['OVERLOADED']);
  });

  it('counts whoever has signed a message, wherever it comes from', () => {
    const { vetting, peer, envelope } = setup({ rateLimit: [{ ...RATE, by: 'identity' }] });
    const press = peer.signedBy({ name: 'press-7', roles: [] });
    const sameFromElsewhere = createPeer('b').peer.signedBy({ name: 'press-7', roles: [] });
    const oven = peer.signedBy({ name: 'oven-1', roles: [] });
    const passed = [press, sameFromElsewhere, oven].map(sender => vetting.passes(envelope({ sender })));
    expect(passed).toEqual([true, false, true]);
  });

  it('gives functions the context, with metadata, and no data', () => {
    const contexts: unknown[] = [];
    const by: RateLimitRule['by'] = context => {
      contexts.push([context.getPattern(), context.getMetadata(), context.getPeer().id, context.deadline]);
      return 'x';
    };
    const { vetting, envelope } = setup({ rateLimit: [{ ...RATE, by }] });
    expect(vetting.passes(envelope({ metadata: () => ({ a: 'b' }) }))).toBe(true);
    expect(contexts).toEqual([['route', { a: 'b' }, '61', undefined]]);
  });
});
