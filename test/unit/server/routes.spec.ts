import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { HANDLER_RULES, type HandlerRules, type RateLimitRule } from '../../../lib/pipeline/handler-rules.js';
import { Routes } from '../../../lib/server/routes.js';
import { refusalOf } from '../../support/refusal.js';
import { createApplication, createRoutes, serverOf } from '../../support/routes.js';

const rate = (points: number, fields: Partial<RateLimitRule> = {}): RateLimitRule => ({
  points,
  bytes: undefined,
  duration: 1_000,
  by: 'peer',
  name: undefined,
  ...fields,
});

const NO_CHANGES = { defaults: undefined, handlers: new Map<string, HandlerRules>(), options: serverOf() as never };

describe('Routes', () => {
  it('puts what was changed before decorators, and these before what holds for all', () => {
    const routes = createRoutes({
      defaults: { maxMessageSize: 100, priority: 'critical' },
      handlers: { a: [{ maxMessageSize: 50 }], b: [] },
    });
    expect(routes.rulesOf('a')).toEqual({ maxMessageSize: 50, priority: 'critical' });
    expect(routes.rulesOf('b')).toEqual({ maxMessageSize: 100, priority: 'critical' });
    routes.change({
      ...NO_CHANGES,
      defaults: { maxMessageSize: 200 },
      handlers: new Map([['a', { maxMessageSize: 5 }]]),
    });
    expect(routes.get('a')?.limits.maxMessageSize).toBe(5);
    expect(routes.get('b')?.limits.maxMessageSize).toBe(200);
    expect(routes.get('b')?.limits.priority).toBe('critical');
  });

  it('has nothing to ask where nothing was said', () => {
    const routes = createRoutes({ handlers: { a: [] } });
    expect(routes.get('a')?.limits).toMatchObject({ isPlain: true, maxMessageSize: Number.POSITIVE_INFINITY });
    expect(routes.get('b')).toBeUndefined();
  });

  it('takes the strictest of several handlers, each with what holds for all', () => {
    const common = rate(9);
    const routes = createRoutes({
      defaults: { maxMessageSize: 1_000, onViolation: 'reject', rateLimit: [common] },
      handlers: {
        event: [
          { maxMessageSize: 5_000, concurrency: { limit: 5, queue: 0 }, priority: 'critical' },
          { rateLimit: [rate(3)], concurrency: { limit: 2, queue: 9 }, maxResponseSize: 70 },
          { maxMessageSize: 500, onViolation: 'disconnect' },
        ],
        both: [{}, {}],
        skipped: [{ skipRateLimit: true }, { rateLimit: [rate(3)], skipRateLimit: true }],
      },
    });
    expect(routes.rulesOf('event')).toEqual({
      maxMessageSize: 500,
      onViolation: 'disconnect',
      maxResponseSize: 70,
      rateLimit: [common, rate(3)],
      concurrency: { limit: 2, queue: 9 },
    });
    expect(routes.rulesOf('both').rateLimit).toEqual([common]);
    expect(routes.get('skipped')?.limits.rates).toEqual([]);
  });

  it('counts limits of one name together, and others by handler', () => {
    const routes = createRoutes({
      handlers: {
        a: [{ rateLimit: [rate(5, { name: 'n' }), rate(7)] }],
        b: [{ rateLimit: [rate(5, { name: 'n' }), rate(7)] }],
      },
    });
    const [a, b] = ['a', 'b'].map(pattern => routes.get(pattern)?.limits.rates ?? []);
    expect(a?.[0]).toBe(b?.[0]);
    expect(a?.[1]).not.toBe(b?.[1]);
  });

  it.each<[string, Partial<RateLimitRule>, Partial<RateLimitRule>]>([
    ['points', { points: 5 }, { points: 6 }],
    ['bytes', {}, { bytes: 2_048 }],
    ['duration', {}, { duration: 5 }],
    ['key', {}, { by: 'address' }],
    ['function', { by: () => 'x' }, { by: () => 'x' }],
  ])('refuses limits of one name that differ: %s', (_what, one, other) => {
    const handlers = {
      a: [{ rateLimit: [rate(5, { ...one, name: 'n' })] }],
      b: [{ rateLimit: [rate(5, { ...other, name: 'n' })] }],
    };
    expect(refusalOf(() => createRoutes({ handlers })).message).toMatch(/^The rate limits named 'n' differ: /);
  });

  it('counts no rates where rates are off, whoever says any', () => {
    const routes = createRoutes({
      countsRates: false,
      defaults: { rateLimit: [rate(1)] },
      handlers: { a: [{ rateLimit: [rate(1)] }], b: [] },
    });
    routes.change({ ...NO_CHANGES, handlers: new Map([['b', { rateLimit: [rate(1)] }]]) });
    expect([...routes].map(({ limits }) => limits.isPlain)).toEqual([true, true]);
    expect(routes.rulesOf('b')).toMatchObject({ skipRateLimit: true });
  });

  it.each(['maxMessageSize', 'maxResponseSize'])('refuses a %s above that of the server', limit => {
    const handlers = { a: [{ [limit]: 1_001 }] };
    expect(refusalOf(() => createRoutes({ handlers }, 1_000)).message).toBe(
      `${limit} of the handler of 'a' (1001) must not exceed limits.maxMessageSize of its server (1000).`,
    );
  });

  it('changes nothing when a part of a change is impossible', () => {
    const routes = createRoutes({
      handlers: { a: [{ rateLimit: [rate(5, { name: 'n' })] }], b: [{ rateLimit: [rate(5, { name: 'n' })] }] },
    });
    const before = [...routes].map(({ limits }) => limits);
    const change = {
      ...NO_CHANGES,
      defaults: { maxMessageSize: 7 },
      handlers: new Map([['a', { rateLimit: [rate(6, { name: 'n' })] }]]),
    };
    expect(() => routes.change(change)).toThrow(/'n' differ/);
    expect([...routes].map(({ limits }) => limits)).toEqual(before);
    expect(routes.rulesOf('b')).not.toHaveProperty('maxMessageSize');
    expect(() =>
      routes.change({ ...NO_CHANGES, options: serverOf(5) as never, defaults: { maxMessageSize: 7 } }),
    ).toThrow(/must not exceed/);
    expect(routes.defaultRules).toEqual({});
  });

  it('keeps what a limit has counted when its figures change', () => {
    const routes = createRoutes({ handlers: { a: [{ rateLimit: [rate(5)] }] } });
    const [counter] = routes.get('a')?.limits.rates ?? [];
    routes.change({ ...NO_CHANGES, handlers: new Map([['a', { rateLimit: [rate(50)] }]]) });
    expect(routes.get('a')?.limits.rates[0]).toBe(counter);
    expect(counter?.rule.points).toBe(50);
  });

  it('tells the sizes that are below that of the server', () => {
    const handlers = {
      small: [{ maxMessageSize: 10 }],
      equal: [{ maxMessageSize: 1_000 }],
      free: [],
      constructor: [{ maxMessageSize: 10 }],
    };
    expect(createRoutes({ handlers }, 1_000).smallerSizes(1_000)).toEqual({ small: 10 });
    expect(createRoutes({ handlers: { free: [] } }, 1_000).smallerSizes(1_000)).toBeUndefined();
  });

  it('does not tell sizes of handlers that do not take messages of everybody', () => {
    const handlers: Record<string, HandlerRules[]> = {
      told: [{ maxMessageSize: 10, allowPeers: 'anyone' }],
      hidden: [{ maxMessageSize: 10, allowPeers: [{ roles: ['admin'] }] }],
    };
    expect(createRoutes({ handlers }).smallerSizes(1_000)).toEqual({ told: 10 });
    const closed = createRoutes({ handlers: { hidden: [{ maxMessageSize: 10 }] }, defaults: { allowPeers: [] } });
    expect(closed.smallerSizes(1_000)).toBeUndefined();
  });

  it('asks who may call where not everybody may, by the rules in force', () => {
    const routes = createRoutes({ handlers: { a: [{ allowPeers: [{ roles: ['admin'] }] }], b: [], c: [] } });
    const allowed = (pattern: string) => {
      const access = routes.get(pattern)?.limits.access;
      return access === undefined ? 'everybody' : access.allows({ id: '1', roles: ['admin'] });
    };
    expect(['a', 'b', 'c'].map(allowed)).toEqual([true, 'everybody', 'everybody']);
    const rules = { allowPeers: [] } as const;
    routes.change({ ...NO_CHANGES, defaults: rules, handlers: new Map([['b', { allowPeers: 'anyone' }]]) });
    expect(['a', 'b', 'c'].map(allowed)).toEqual([true, 'everybody', false]);
    routes.change({ ...NO_CHANGES, handlers: new Map([['a', rules]]) });
    expect(allowed('a')).toBe(false);
  });

  it('keeps sizes to itself about which the application wants to decide', () => {
    const handlers: Record<string, HandlerRules[]> = {
      told: [{ maxMessageSize: 10, onViolation: 'discard' }],
      asked: [{ maxMessageSize: 10, onViolation: () => 'reject' }],
    };
    expect(createRoutes({ handlers }).smallerSizes(1_000)).toEqual({ told: 10 });
    const violated = () => Promise.reject(new Error('not asked'));
    expect(createRoutes({ handlers, violated }).smallerSizes(1_000)).toBeUndefined();
  });

  it('tells a bounded number of sizes', () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `handler ${index}`);
    const handlers = Object.fromEntries(names.map(name => [name, [{ maxMessageSize: 10 }]]));
    expect(Object.keys(createRoutes({ handlers }).smallerSizes(1_000) ?? {}).length).toBeLessThanOrEqual(1_024);
  });

  it('counts rates that are set where there is no application', () => {
    const routes = new Routes(new Map([['a', (() => undefined) as never]]), undefined, serverOf());
    routes.change({ ...NO_CHANGES, handlers: new Map([['a', { rateLimit: [rate(1)] }]]) });
    const [counter] = routes.get('a')?.limits.rates ?? [];
    const take = (id: string) => counter?.take({ peer: { id }, context: () => undefined as never }, 1, 0);
    expect(['a', 'b', 'a', 'b', 'c', 'c'].map(take).map(wait => (wait ?? 0) > 0)).toEqual([
      false,
      false,
      true,
      true,
      false,
      true,
    ]);
  });

  it('refuses a handler whose decorators have limits that cannot be found by its pattern', () => {
    const handler = Object.assign(() => Promise.resolve(), { extras: { [HANDLER_RULES]: true } }) as never;
    const create = (pattern: string) =>
      new Routes(new Map([[pattern, handler]]), createApplication({ handlers: { known: [{}] } }), serverOf());
    expect(create('known').get('known')).toBeDefined();
    expect(refusalOf(() => create('renamed')).message).toContain("The handler of 'renamed' has limits in decorators");
  });

  it('puts what was configured for a handler before its decorators, and refuses a handler that is not there', () => {
    const overrides = new Map([['known', { maxMessageSize: 10 }]]);
    const routes = createRoutes({ handlers: { known: [{ maxMessageSize: 20, maxResponseSize: 100 }] }, overrides });
    expect(routes.rulesOf('known')).toMatchObject({ maxMessageSize: 10, maxResponseSize: 100 });
    const unknown = () => createRoutes({ handlers: {}, overrides });
    expect(unknown).toThrow("ZmqModule options.handlers has 'known', for which there is no handler.");
  });
});
