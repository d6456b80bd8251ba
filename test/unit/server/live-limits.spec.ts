import 'reflect-metadata';
import type { MessageHandler } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { gateOptions } from '../../../lib/options/gate-options.js';
import { resolveServerOptions } from '../../../lib/options/server-options.js';
import { addChanges, checkChanges, type ZmqLimitChanges } from '../../../lib/server/live-limits.js';
import { Routes } from '../../../lib/server/routes.js';
import { refusalOf } from '../../support/refusal.js';

const HANDLER = (() => Promise.resolve()) as unknown as MessageHandler;

function setUp() {
  const options = resolveServerOptions({ limits: { maxDepth: 20 }, concurrency: 7 });
  const routes = new Routes(new Map([['work', HANDLER]]), undefined, options);
  const gate = gateOptions({ maxFrames: 5 }, 'gate');
  const check = (changes: ZmqLimitChanges) => checkChanges({ options, gate, routes }, changes, 'changes');
  return { options, routes, gate, check };
}

describe('changes of limits', () => {
  it('leave what they do not name as it is', () => {
    const { options, gate, check } = setUp();
    const { options: merged, gate: mergedGate } = check({ limits: { maxTokens: 5 }, gate: { maxConnections: 3 } });
    expect(merged).toEqual({ ...options, limits: { ...options.limits, maxTokens: 5 } });
    expect(mergedGate).toEqual({ ...gate, maxConnections: 3 });
    expect(check({})).toMatchObject({ options, gate, defaults: undefined });
  });

  it('are resolved like the options themselves', () => {
    const { check } = setUp();
    const { options, defaults, handlers } = check({
      memoryBudget: '64mb',
      concurrency: 9,
      shedding: false,
      defaults: { maxMessageSize: '1kb' },
      handlers: { work: { rateLimit: { points: 3 } } },
    });
    expect(options).toMatchObject({ memoryBudget: 64 * 1024 ** 2, concurrency: { limit: 9 }, shedding: false });
    expect(defaults).toEqual({ maxMessageSize: 1_024 });
    expect(handlers.get('work')).toMatchObject({ rateLimit: [{ points: 3, duration: 1_000, by: 'peer' }] });
  });

  it('switch shedding on again with its defaults', () => {
    const { options, routes, gate } = setUp();
    const off = { options: { ...options, shedding: false as const }, gate, routes };
    expect(checkChanges(off, { shedding: { heap: 0.5 } }, 'changes').options.shedding).toMatchObject({
      heap: 0.5,
      eventLoopDelay: 500,
    });
  });

  it('that contradict what is there are refused, and nothing is changed', () => {
    const { routes, check } = setUp();
    const before = routes.rulesOf('work');
    expect(refusalOf(() => check({ handlers: { work: { maxMessageSize: '2mb' } } }))).toMatchObject({
      code: 'INVALID_OPTIONS',
    });
    expect(routes.rulesOf('work')).toEqual(before);
    check({ handlers: { work: { maxMessageSize: 5 } } });
    expect(routes.rulesOf('work')).toEqual(before);
  });

  it('add up, the later before the earlier', () => {
    const { check } = setUp();
    const earlier = check({
      defaults: { maxMessageSize: 5, priority: 'critical' },
      handlers: { work: { maxMessageSize: 7 } },
    });
    const later = check({ defaults: { maxMessageSize: 6 }, handlers: { work: { maxResponseSize: 64 } } });
    const { defaults, handlers } = addChanges(earlier, later);
    expect(defaults).toEqual({ maxMessageSize: 6, priority: 'critical' });
    expect(Object.fromEntries(handlers)).toEqual({ work: { maxMessageSize: 7, maxResponseSize: 64 } });
  });
});
