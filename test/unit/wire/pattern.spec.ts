import 'reflect-metadata';
import { transformPatternToRoute } from '@nestjs/microservices/utils/transform-pattern.utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeOf } from '../../../lib/wire/pattern.js';

const name = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom('a"b', 'a\\b', 'Ä', 'a', 'B', '10', '9', '__proto__'),
);
const leaf = fc.oneof(name, fc.double(), fc.integer(), fc.boolean(), fc.constant(null));
const wide = fc.dictionary(name, leaf, { minKeys: 15, maxKeys: 25, size: 'max' });
const { pattern: anyPattern } = fc.letrec(tie => ({
  pattern: fc.oneof({ maxDepth: 8 }, leaf, tie('object'), tie('array'), wide),
  object: fc.dictionary(name, tie('pattern'), { maxKeys: 3 }),
  array: fc.array(tie('pattern'), { maxLength: 2 }),
}));

describe('routeOf', () => {
  it('is the same as what Nest makes of a pattern', () => {
    fc.assert(
      fc.property(anyPattern, pattern => {
        const isPattern =
          ['string', 'number'].includes(typeof pattern) || (typeof pattern === 'object' && pattern !== null);
        expect(routeOf(pattern)).toBe(isPattern ? transformPatternToRoute(pattern as string) : undefined);
      }),
      { numRuns: 500 },
    );
  });

  it.each([undefined, null, true, 1n, () => 'x', Symbol('x')])('is undefined for what is no pattern', pattern => {
    expect(routeOf(pattern)).toBeUndefined();
  });

  it('is bounded in depth and keys', () => {
    let nested: object = {};
    for (let depth = 0; depth < 1000; depth += 1) {
      nested = { nested };
    }
    expect(routeOf(nested)).toContain('[MAX_DEPTH_REACHED]');
    expect(routeOf(Array.from({ length: 21 }, (_, index) => index))).toBe('[TOO_MANY_KEYS]');
  });
});
