import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GenerationMap } from '../../../lib/limits/generation-map.js';

describe('GenerationMap', () => {
  it('never holds more than it may, whatever is done to it', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.integer({ min: 0, max: 30 })), {
      size: 'large',
    });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), steps, (maxKeys, all) => {
        const map = new GenerationMap<number>(maxKeys);
        const isRight = all.every(([name, key]) => {
          if (name === 'set') {
            map.set(`${key}`, key);
          } else if (name === 'delete') {
            map.delete(`${key}`);
          }
          const value = map.get(`${key}`);
          const isAsDone = name === 'get' ? value === undefined || value === key : (value === key) === (name === 'set');
          return isAsDone && map.size <= maxKeys;
        });
        expect(isRight).toBe(true);
      }),
    );
  });

  it('always has the half of its keys that was used last', () => {
    const keys = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, size: 'large' });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), keys, (maxKeys, used) => {
        const map = new GenerationMap<number>(maxKeys);
        for (const key of used) {
          if (map.get(`${key}`) === undefined) {
            map.set(`${key}`, key);
          }
        }
        const latest = [...new Set(used.toReversed())].slice(0, Math.floor(maxKeys / 2));
        expect(latest.map(key => map.get(`${key}`))).toEqual(latest);
      }),
    );
  });

  it('replaces the value of a key that it has, in either half', () => {
    const map = new GenerationMap<number>(4);
    ['a', 'b', 'c'].forEach((key, index) => map.set(key, index));
    map.set('a', 10);
    map.set('c', 12);
    expect([map.get('a'), map.get('c'), map.size]).toEqual([10, 12, 3]);
  });

  it('is empty when it was cleared', () => {
    const map = new GenerationMap<number>(4);
    ['a', 'b', 'c'].forEach((key, index) => map.set(key, index));
    map.clear();
    expect([map.size, map.get('a'), map.get('c')]).toEqual([0, undefined, undefined]);
  });
});
