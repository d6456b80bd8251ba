import 'reflect-metadata';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HandlerRules } from '../../../lib/pipeline/handler-rules.js';
import { AccessRules, type AllowPeersRule } from '../../../lib/security/access-rules.js';
import { rulesForAll, strictest } from '../../../lib/server/strictest.js';

const size = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined });
const rules = fc
  .record({
    maxMessageSize: size,
    maxResponseSize: size,
    concurrency: fc.option(
      fc.record({ limit: fc.integer({ min: 1, max: 5 }), queue: fc.integer({ min: 0, max: 5 }) }),
      { nil: undefined },
    ),
    priority: fc.constantFrom('critical' as const, 'normal' as const, undefined),
    allowPeers: fc.constantFrom<AllowPeersRule | undefined>(
      undefined,
      'anyone',
      [],
      [{ roles: ['a'] }],
      [{ roles: ['b'] }, { identities: ['x'] }],
      [[{ roles: ['a'] }], [{ identities: ['x'] }]],
    ),
  })
  .map(given => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as HandlerRules);

const CALLERS = ['a', 'b'].flatMap(role => ['x', 'y'].map(identity => ({ roles: [role], identity })));
const allowedBy = ({ allowPeers = 'anyone' }: HandlerRules) =>
  CALLERS.map(caller => new AccessRules(allowPeers).allows(caller));

describe('strictest()', () => {
  it('gives a message no more than any of the handlers takes', () => {
    fc.assert(
      fc.property(rules, rules, (one, other) => {
        const both = strictest(one, other);
        for (const each of [one, other]) {
          expect(both.maxMessageSize ?? Infinity).toBeLessThanOrEqual(each.maxMessageSize ?? Infinity);
          expect(both.maxResponseSize ?? Infinity).toBeLessThanOrEqual(each.maxResponseSize ?? Infinity);
          expect(both.concurrency?.limit ?? Infinity).toBeLessThanOrEqual(each.concurrency?.limit ?? Infinity);
          expect(both.priority === 'critical' && each.priority !== 'critical').toBe(false);
        }
      }),
    );
  });

  it('lets in whom each of the handlers does', () => {
    fc.assert(
      fc.property(rules, rules, rules, (one, other, third) => {
        const each = [one, other, third];
        const expected = CALLERS.map((_, index) => each.every(handler => allowedBy(handler)[index]));
        expect(allowedBy(each.reduce(strictest))).toEqual(expected);
      }),
    );
  });

  it('is what it was for two that say the same', () => {
    fc.assert(
      fc.property(rules, one => {
        const { priority, ...rest } = one;
        expect(strictest(one, one)).toEqual({ ...rest, ...(priority === 'critical' && { priority }) });
      }),
    );
  });

  it('does about too large a payload what the one says that takes less', () => {
    const one: HandlerRules = { maxMessageSize: 5, onViolation: 'discard' };
    expect(strictest(one, { maxMessageSize: 9, onViolation: 'disconnect' }).onViolation).toBe('discard');
    expect(strictest({ onViolation: 'disconnect' }, one).onViolation).toBe('discard');
    expect(strictest({ maxMessageSize: 1 }, one).onViolation).toBe('discard');
  });
});

describe('rulesForAll()', () => {
  const defaults: HandlerRules = { allowPeers: [], maxMessageSize: 5 };

  it('puts what is said of the pattern before handlers, and these before what holds for all', () => {
    const handlers: HandlerRules[] = [{ allowPeers: [{ roles: ['a'] }] }];
    expect(rulesForAll([], { defaults, changes: undefined })).toEqual(defaults);
    expect(rulesForAll(handlers, { defaults, changes: undefined })).toEqual({ ...defaults, ...handlers[0] });
    expect(rulesForAll(handlers, { defaults, changes: { allowPeers: 'anyone' } }).allowPeers).toBe('anyone');
  });

  it('lets nobody in where one of several handlers of an event does not say whom, and nobody is by default', () => {
    const { allowPeers } = rulesForAll([{ allowPeers: 'anyone' }, {}], { defaults, changes: undefined });
    expect(allowPeers).toEqual([]);
  });
});
