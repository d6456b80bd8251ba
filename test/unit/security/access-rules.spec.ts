import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessRules, type AccessRule, type AllowPeersRule, type Caller } from '../../../lib/security/access-rules.js';

const ROLES = ['admin', 'operator', 'device'];
const NAMES = ['press-7', 'press-8', 'desk'];
/** Networks and addresses whose relation can be told by the text alone. */
const NETWORKS = { '10.0.0.0/8': /^10\./, '10.1.0.0/16': /^10\.1\./, '127.0.0.1/32': /^127\.0\.0\.1$/ };
const ADDRESSES = ['10.0.0.1', '10.1.2.3', '127.0.0.1', '127.0.0.2', '2001:db8::1', 'no address', ''];

const some = <T>(values: readonly T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }), { nil: undefined });
const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

const rule = fc
  .record({ roles: some(ROLES), identities: some(NAMES), addresses: some(Object.keys(NETWORKS)) })
  .map(fields => given(fields) as AccessRule);
const list = fc.array(rule, { maxLength: 3 });
const anyRule = fc.oneof(
  fc.constant('anyone' as const),
  list,
  fc.array(list, { minLength: 1, maxLength: 3 }),
) as fc.Arbitrary<AllowPeersRule>;
const caller: fc.Arbitrary<Caller> = fc.record({
  identity: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
  roles: fc.option(fc.subarray(ROLES), { nil: undefined }),
  remoteAddress: fc.option(fc.constantFrom(...ADDRESSES), { nil: undefined }),
});

function naively(allowed: AllowPeersRule, { identity, roles = [], remoteAddress = '' }: Caller): boolean {
  if (allowed === 'anyone') {
    return true;
  }
  const lists = (Array.isArray(allowed[0]) ? allowed : [allowed]) as readonly (readonly AccessRule[])[];
  return lists.every(rules => {
    let isAllowed = false;
    for (const each of rules) {
      const hasRole = each.roles === undefined || roles.filter(role => each.roles?.includes(role)).length > 0;
      const hasName = each.identities === undefined || each.identities.some(name => name === identity);
      const networks = (each.addresses ?? []) as (keyof typeof NETWORKS)[];
      const isNear = each.addresses === undefined || networks.some(network => NETWORKS[network].test(remoteAddress));
      isAllowed ||= hasRole && hasName && isNear;
    }
    return isAllowed;
  });
}

const OPERATOR: Caller = { identity: 'press-7', roles: ['operator'], remoteAddress: '10.1.2.3' };

describe('AccessRules', () => {
  it('decides like a reference, for any rules and callers', () => {
    fc.assert(
      fc.property(anyRule, caller, (allowed, who) => {
        expect(new AccessRules(allowed).allows(who)).toBe(naively(allowed, who));
      }),
      { numRuns: 500 },
    );
  });

  it('wants everything to hold that one rule names', () => {
    const rules = new AccessRules([
      { roles: ['admin', 'operator'], identities: ['press-7'], addresses: ['10.0.0.0/8'] },
    ]);
    expect(rules.allows(OPERATOR)).toBe(true);
    expect(rules.allows({ ...OPERATOR, roles: ['device'] })).toBe(false);
    expect(rules.allows({ ...OPERATOR, identity: 'press-8' })).toBe(false);
    expect(rules.allows({ ...OPERATOR, remoteAddress: '192.0.2.1' })).toBe(false);
  });

  it('is content with one of several rules', () => {
    const rules = new AccessRules([{ roles: ['admin'] }, { identities: ['press-7'] }]);
    expect([OPERATOR, { roles: ['admin'] }, { identity: 'press-8' }].map(each => rules.allows(each))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('wants one rule of each list', () => {
    const rules = new AccessRules([[{ roles: ['admin'] }, { roles: ['operator'] }], [{ identities: ['press-7'] }]]);
    expect(rules.allows(OPERATOR)).toBe(true);
    expect(rules.allows({ ...OPERATOR, identity: 'press-8' })).toBe(false);
    expect(new AccessRules([[{ roles: ['operator'] }], []]).allows(OPERATOR)).toBe(false);
  });

  it('lets anyone in, or nobody', () => {
    expect([new AccessRules('anyone').allows({}), new AccessRules([]).allows(OPERATOR)]).toEqual([true, false]);
  });

  it('lets nobody in whose address is not known, or no single one', () => {
    const rules = new AccessRules([{ addresses: ['::/0'] }, { addresses: ['0.0.0.0/0'] }]);
    const addresses = [undefined, '', 'unknown', '2001:db8:0:1::/64', '2001:db8::1', '::ffff:10.0.0.1', '10.0.0.1'];
    expect(addresses.map(remoteAddress => rules.allows({ remoteAddress }))).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it('takes names of objects for names like all others', () => {
    expect(new AccessRules([{ identities: ['press-7'] }]).allows({ identity: '__proto__' })).toBe(false);
    expect(new AccessRules([{ roles: ['admin'] }]).allows({ roles: ['constructor', 'toString'] })).toBe(false);
  });
});
