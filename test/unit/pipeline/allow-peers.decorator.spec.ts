import 'reflect-metadata';
import fc from 'fast-check';
import { MessagePattern } from '@nestjs/microservices';
import { PATTERN_EXTRAS_METADATA } from '@nestjs/microservices/constants.js';
import { describe, expect, it } from 'vitest';
import { AllowPeers } from '../../../lib/pipeline/allow-peers.decorator.js';
import type { ZmqAccessRule } from '../../../lib/pipeline/handler-limits.js';
import { HANDLER_RULES, rulesOf } from '../../../lib/pipeline/handler-rules.js';
import { parseRules } from '../../../lib/pipeline/parse-rules.js';
import { refusalOf } from '../../support/refusal.js';

@AllowPeers({ roles: 'operator' })
class Base {
  @MessagePattern('inherited')
  inherited(): void {}

  @MessagePattern('own')
  @AllowPeers({ roles: ['admin', 'auditor'], addresses: '10.0.0.0/8' }, { identities: 'desk' })
  own(): void {}

  @MessagePattern('open')
  @AllowPeers('anyone')
  open(): void {}
}

@AllowPeers({ identities: 'press-7' })
class Heir extends Base {}

const methodOf = (type: { readonly prototype: object }, name: string) =>
  (type.prototype as Record<string, object>)[name] as object;
const of = (type: { readonly prototype: object }, name: string) => rulesOf(type, methodOf(type, name))?.allowPeers;
const parsed = (allowPeers: unknown) => parseRules({ allowPeers }, 'limits').allowPeers;

describe('@AllowPeers()', () => {
  it('keeps several rules of a method, and puts them before those of its class', () => {
    expect(of(Base, 'inherited')).toEqual([{ roles: ['operator'] }]);
    expect(of(Base, 'own')).toEqual([
      { roles: ['admin', 'auditor'], addresses: ['10.0.0.0/8'] },
      { identities: ['desk'] },
    ]);
    expect(of(Base, 'open')).toBe('anyone');
  });

  it('replaces what a class inherits, but not what its methods say', () => {
    expect(of(Heir, 'inherited')).toEqual([{ identities: ['press-7'] }]);
    expect(of(Heir, 'open')).toBe('anyone');
  });

  it('marks its handlers, so that a server notices where nobody keeps it', () => {
    const extras = Reflect.getMetadata(PATTERN_EXTRAS_METADATA, methodOf(Base, 'inherited')) as Record<symbol, unknown>;
    expect(extras[HANDLER_RULES]).toBe(true);
  });

  it('is refused when it stands twice, which could be read in two ways', () => {
    const decorate = (): void => {
      class Twice {
        @AllowPeers({ roles: 'admin' })
        @AllowPeers({ roles: 'operator' })
        method(): void {}
      }
      void Twice;
    };
    expect(refusalOf(decorate)).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('once') as string,
    });
  });

  it.each<[what: string, decorate: () => unknown, message: string]>([
    ['no rule', () => AllowPeers(), "@AllowPeers() must be given 'anyone', or one"],
    [
      'an empty rule',
      () => AllowPeers({}),
      '@AllowPeers().allowPeers[0] must have at least one of roles, identities, addresses',
    ],
    ['nothing', () => AllowPeers(undefined as unknown as ZmqAccessRule), '[0] must have at least one of'],
    ['a list', () => AllowPeers([] as unknown as ZmqAccessRule), 'not as a list'],
    ['an unknown field', () => AllowPeers({ role: 'admin' } as ZmqAccessRule), "[0] has no option 'role'"],
    ['an unknown word', () => AllowPeers('everyone' as 'anyone'), '[0] must be an object'],
    [
      'anyone and a rule',
      () => AllowPeers(...(['anyone', { roles: 'a' }] as unknown as ['anyone'])),
      "[0] must not be 'anyone'",
    ],
    [
      'no role',
      () => AllowPeers({ roles: 'a' }, { roles: [] }),
      '[1].roles must have from 1 to 10000 entries, but has 0',
    ],
    [
      'null',
      () => AllowPeers({ roles: null as unknown as string, addresses: '::1' }),
      '[0].roles must be one or several roles',
    ],
    [
      'a role with spaces',
      () => AllowPeers({ roles: ['ok', 'not ok'] }),
      "[0].roles must be one or several roles of 1 to 100 letters, digits, '_', '.', ':' or '-', but has 'not ok'",
    ],
    ['an empty name', () => AllowPeers({ identities: '' }), '[0].identities must be one or several names'],
    ['a wrong network', () => AllowPeers({ addresses: ['10.0.0.1/8'] }), '[0].addresses[0]'],
    ['no network', () => AllowPeers({ roles: 'a', addresses: [] }), '[0].addresses must have from 1 to'],
  ])('refuses %s when the class is defined', (_what, decorate, message) => {
    const refusal = refusalOf(decorate);
    expect(refusal).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(message) as string });
    expect(refusal.message).toContain('@AllowPeers()');
  });
});

describe('allowPeers among limits', () => {
  it('is one rule or several, none for nobody, or lists that each have to let in', () => {
    expect(parsed('anyone')).toBe('anyone');
    expect(parsed({ roles: 'admin' })).toEqual([{ roles: ['admin'] }]);
    expect(parsed([])).toEqual([]);
    expect(parsed([[{ roles: 'a' }], [{ roles: 'b' }, { roles: 'c' }]])).toEqual([
      [{ roles: ['a'] }],
      [{ roles: ['b'] }, { roles: ['c'] }],
    ]);
  });

  it('can be put back as it is in force', () => {
    const list = fc.constantFrom<readonly string[]>(['a'], ['a', 'b']);
    const rule = fc.record(
      { roles: list, identities: list, addresses: fc.constant(['10.0.0.0/8']) },
      { requiredKeys: ['roles'] },
    );
    const rules = fc.array(rule, { maxLength: 3 });
    fc.assert(
      fc.property(fc.oneof(fc.constant('anyone'), rule, rules, fc.array(rules, { minLength: 1 })), given => {
        const inForce = parsed(given);
        expect(parsed(inForce)).toEqual(inForce);
      }),
    );
  });

  it('is frozen throughout', () => {
    const rules = parsed([[{ roles: ['a'] }]]) as readonly (readonly { roles: readonly string[] }[])[];
    expect([rules, rules[0], rules[0]?.[0], rules[0]?.[0]?.roles].every(Object.isFrozen)).toBe(true);
  });

  it.each<[value: unknown, message: string]>([
    [5, "limits.allowPeers must be 'anyone', a rule or a list of rules, but is 5"],
    ['nobody', "limits.allowPeers must be 'anyone'"],
    [null, 'limits.allowPeers must be'],
    [true, 'limits.allowPeers must be'],
    [{}, 'limits.allowPeers must have at least one of'],
    [['anyone'], "limits.allowPeers[0] must not be 'anyone'"],
    [[{ roles: 'a' }, []], 'limits.allowPeers[1] must be an object'],
    [[[{ roles: 'a' }], { roles: 'a' }], 'limits.allowPeers[1] must be a list of rules like the first'],
    [[[{ roles: 'a' }], [{ roles: 'b' }, {}]], 'limits.allowPeers[1][1] must have at least one of'],
    [Array.from({ length: 1_001 }), 'limits.allowPeers must have at most 1000 entries, but has 1001'],
  ])('refuses %s', (value, message) => {
    const refusal = refusalOf(() => parsed(value));
    expect(refusal).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(message) as string });
  });
});
