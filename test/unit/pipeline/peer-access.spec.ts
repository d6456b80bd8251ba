import { describe, expect, it } from 'vitest';
import { accessOf, isForNobody, PeerAccess } from '../../../lib/pipeline/peer-access.js';
import type { AccessRule } from '../../../lib/security/access-rules.js';

describe('PeerAccess', () => {
  it('decides once about a peer, and anew about another object for it', () => {
    let decided = 0;
    const roles = {
      *[Symbol.iterator]() {
        yield 'admin';
      },
      some(matches: (role: string) => boolean) {
        decided++;
        return matches('admin');
      },
    } as unknown as string[];
    const access = new PeerAccess([{ roles: ['admin'] }]);
    const peer = Object.freeze({ id: 'a', roles });
    expect([1, 2, 3].map(() => access.allows(peer))).toEqual([true, true, true]);
    expect(decided).toBe(1);
    expect(access.allows(Object.freeze({ id: 'a', roles: [] }))).toBe(false);
    expect(access.allows(peer)).toBe(true);
    expect(decided).toBe(1);
  });
});

describe('accessOf()', () => {
  it('is the same for the same rules', () => {
    const rules: AccessRule[] = [{ roles: ['admin'] }];
    expect(accessOf(rules)).toBe(accessOf(rules));
    expect(accessOf(rules)).not.toBe(accessOf([...rules]));
  });

  it('is nothing where everybody is let in', () => {
    expect([accessOf('anyone'), accessOf(undefined)]).toEqual([undefined, undefined]);
    expect(accessOf([])).toBeInstanceOf(PeerAccess);
  });
});

describe('isForNobody()', () => {
  it('finds rules that let nobody in, whoever it is', () => {
    const rule = { roles: ['admin'] };
    expect([[], [[rule], []]].map(isForNobody)).toEqual([true, true]);
    expect([undefined, 'anyone' as const, [rule], [[rule]]].map(isForNobody)).toEqual([false, false, false, false]);
  });
});
