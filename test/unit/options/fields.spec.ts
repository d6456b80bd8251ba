import { describe, expect, it } from 'vitest';
import {
  byteSize,
  choice,
  flag,
  fraction,
  group,
  integer,
  mergeFields,
  milliseconds,
  objectWith,
  resolveFields,
} from '../../../lib/options/fields.js';
import { refusalOf } from '../../support/refusal.js';

const FIELDS = {
  count: integer({ min: 1, max: 10, fallback: 5 }),
  wait: milliseconds({ min: 0, max: 100, fallback: 7 }),
  inner: group({ size: byteSize({ min: 8, max: 2048, fallback: 64 }), on: flag(false) }),
};

describe('An options object', () => {
  it.each([undefined, {}, { count: undefined, inner: undefined }, { inner: {} }])('gets the defaults: %j', input => {
    expect(resolveFields(input, FIELDS, 'options')).toEqual({ count: 5, wait: 7, inner: { size: 64, on: false } });
  });

  it('is frozen in depth and shares nothing with the input, which stays as it was', () => {
    const input = Object.freeze({ count: 3, inner: Object.freeze({ size: '1kb', on: true }) });
    const resolved = resolveFields(input, FIELDS, 'options');
    expect(resolved).toEqual({ count: 3, wait: 7, inner: { size: 1024, on: true } });
    expect(Object.isFrozen(resolved)).toBe(true);
    expect(Object.isFrozen(resolved.inner)).toBe(true);
    expect(input).toEqual({ count: 3, inner: { size: '1kb', on: true } });
  });

  it.each([null, 1, 'text', true, [], [{ count: 1 }]])('is refused when it is %j', input => {
    expect(refusalOf(() => resolveFields(input, FIELDS, 'options')).message).toContain('options must be an object');
  });

  it('with an unknown name is refused, and the message lists the known ones', () => {
    const { code, message } = refusalOf(() => resolveFields({ cuont: 3 }, FIELDS, 'options'));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message).toBe("options has no option 'cuont'. Known options: count, wait, inner.");
  });

  it.each(['toString', 'constructor', 'hasOwnProperty'])('does not take %s for a known name', name => {
    expect(refusalOf(() => resolveFields({ [name]: 1 }, FIELDS, 'options')).message).toContain(name);
  });

  it('with an own key __proto__ is refused and changes no prototype', () => {
    const input: unknown = JSON.parse('{"__proto__":{"count":3}}');
    expect(refusalOf(() => resolveFields(input, FIELDS, 'options')).message).toContain('__proto__');
  });

  it('with an unknown name is refused in a group, too, with the full path', () => {
    expect(refusalOf(() => resolveFields({ inner: { sise: 1 } }, FIELDS, 'options')).message).toContain(
      "options.inner has no option 'sise'",
    );
  });
});

describe('Fields', () => {
  it.each([0, 11, 1.5, NaN, Infinity, '5', null, true, 5n])('integer() refuses %o', value => {
    expect(refusalOf(() => resolveFields({ count: value }, FIELDS, 'o')).message).toContain(
      'o.count must be a whole number from 1 to 10',
    );
  });

  it.each([-1, 101, NaN, Infinity, '5', null])('milliseconds() refuses %o', value => {
    expect(refusalOf(() => resolveFields({ wait: value }, FIELDS, 'o')).message).toContain(
      'o.wait must be a number of milliseconds from 0 to 100',
    );
  });

  it('fraction() takes a part within its bounds and refuses all else', () => {
    const part = fraction({ min: 0.1, max: 1, fallback: 0.8 });
    expect([part(undefined, 'o'), part(0.1, 'o'), part(1, 'o')]).toEqual([0.8, 0.1, 1]);
    for (const wrong of [0, 0.09, 1.01, -0.5, NaN, Infinity, '0.5', null, true, 1n]) {
      expect(refusalOf(() => part(wrong, 'o')).message).toContain('o must be a fraction from 0.1 to 1, but is');
    }
  });

  it.each([7, 2049, '3kb'])('byteSize() refuses %j', size => {
    expect(refusalOf(() => resolveFields({ inner: { size } }, FIELDS, 'o')).message).toContain(
      'o.inner.size must be from 8 to 2048 bytes',
    );
  });

  it.each([0, 1, 'true', null])('flag() refuses %j', on => {
    expect(refusalOf(() => resolveFields({ inner: { on } }, FIELDS, 'o')).message).toContain(
      'o.inner.on must be true or false',
    );
  });

  it('choice() takes one of its values and refuses all else', () => {
    const colour = choice(['red', 'blue'], 'red');
    expect([colour(undefined, 'o'), colour('blue', 'o')]).toEqual(['red', 'blue']);
    expect(refusalOf(() => colour('green', 'o')).message).toBe("o must be one of red, blue, but is 'green'.");
  });

  it('objectWith() takes an object or a class instance that has the method', () => {
    const field = objectWith<{ run(): void }>('run');
    class Runner {
      run(): void {}
    }
    const runner = new Runner();
    expect([field(undefined, 'o'), field(runner, 'o')]).toEqual([undefined, runner]);
    for (const wrong of [null, 1, 'run', {}, { run: true }]) {
      expect(refusalOf(() => field(wrong, 'o')).message).toContain('o must have a method run()');
    }
  });
});

describe('mergeFields()', () => {
  it('leaves what is not given, and what is undefined at any depth, as it is', () => {
    const inForce = { a: 1, group: { b: 2, inner: { c: 3, d: 4 } } };
    const changes = { a: undefined, group: { b: undefined, inner: { c: undefined, d: 5 } } };
    expect(mergeFields(inForce, changes)).toEqual({ a: 1, group: { b: 2, inner: { c: 3, d: 5 } } });
  });
});
