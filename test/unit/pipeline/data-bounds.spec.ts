import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBreach } from '../../../lib/pipeline/data-bounds.js';
import { hasForbiddenKey } from '../../support/wire.js';

const find = (value: unknown, maxStringLength = 10, maxProperties?: number) =>
  findBreach(value, { maxStringLength, maxProperties, root: undefined });
const ruleOf = (value: unknown, maxStringLength?: number) => find(value, maxStringLength)?.rules;

/** Objects within one another: so many, the innermost empty. */
function nestedObjects(depth: number): unknown {
  let value = {};
  for (let level = 1; level < depth; level++) {
    value = { a: value };
  }
  return value;
}

describe('the bounds of data before validation', () => {
  it('let anything through that is short and shallow', () => {
    const values = [
      null,
      undefined,
      1,
      1n,
      true,
      '',
      'x'.repeat(10),
      [],
      {},
      new Date(0),
      new Map(),
      { a: [{ b: 'c' }] },
    ];
    expect(values.map(value => find(value))).toEqual(values.map(() => undefined));
  });

  it.each<[where: string, value: unknown, path: string]>([
    ['the data itself', 'x'.repeat(11), ''],
    ['a property', { a: 'x'.repeat(11) }, 'a'],
    ['an item', ['x', 'x'.repeat(11)], '[1]'],
    ['an item of a property of an item', [{ a: [0, { 'b c': 'x'.repeat(11) }] }], '[0].a[1]["b c"]'],
  ])('refuse a string that is too long in %s, and tell where', (_where, value, path) => {
    const messages = ['the text must not be longer than 10 characters'];
    expect(find(value)).toEqual({ path, rules: ['maxStringLength'], messages });
  });

  it('refuse a key that is too long, and repeat only its beginning', () => {
    const found = find({ a: { ['k'.repeat(5_000)]: 1 } }, 100);
    expect(found?.rules).toEqual(['maxStringLength']);
    expect(found?.path).toBe(`a["${'k'.repeat(63)}…"]`);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuse the own key %s anywhere', key => {
    const text = `{"a":[{"${key}":{}}]}`;
    expect(find(JSON.parse(text), 20)).toMatchObject({ path: `a[0].${key}`, rules: ['forbiddenKey'] });
  });

  it('let an instance of a class through, whose constructor is inherited', () => {
    class Point {
      x = 1;
    }
    expect(find(new Point())).toBeUndefined();
  });

  it('take 64 levels and refuse 65, of objects and of arrays', () => {
    const arrays = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;
    for (const nested of [nestedObjects, arrays]) {
      expect([ruleOf(nested(64)), ruleOf(nested(65))]).toEqual([undefined, ['maxDepth']]);
    }
  });

  it('stand any depth, and say where in no more than 200 characters', () => {
    const found = find(nestedObjects(200_000));
    expect(found?.rules).toEqual(['maxDepth']);
    expect(found?.path).toHaveLength(127);
    const long = JSON.parse('{"abcdefghij":'.repeat(100) + '1' + '}'.repeat(100)) as unknown;
    expect(find(long)?.path).toHaveLength(200);
  });

  it('leave binary data alone, however long', () => {
    const bytes = new Uint8Array(1_000_000);
    expect(find({ buffer: Buffer.from(bytes), bytes, words: new Uint32Array(10), raw: bytes.buffer })).toBeUndefined();
  });

  it('refuse an object with too many properties, where that is bounded, and arrays of any length not', () => {
    const wide = { a: Object.fromEntries(Array.from({ length: 6 }, (_, index) => [index, index])) };
    expect([find(wide, 10, 6), find(wide), find(Array(1_000).fill(0), 10, 6)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(find(wide, 10, 5)).toEqual({
      path: 'a',
      rules: ['maxProperties'],
      messages: ['an object must not have more than 5 properties'],
    });
  });

  it('turn bytes into a Buffer on the same memory where properties are bounded', () => {
    const bytes = new Uint8Array(new ArrayBuffer(100), 10, 50);
    const value: Record<string, unknown> = { bytes, list: [bytes], buffer: Buffer.alloc(100) };
    expect(find(value, 10, 5)).toBeUndefined();
    for (const made of [value['bytes'], (value['list'] as unknown[])[0]] as Buffer[]) {
      expect([Buffer.isBuffer(made), made.buffer, made.byteOffset, made.length]).toEqual([true, bytes.buffer, 10, 50]);
    }
  });

  it('refuse other binary data that would be copied item by item, if it is long', () => {
    const frozen = Object.freeze({ a: new Uint8Array(6) });
    const gaps: unknown[] = [];
    gaps[1] = new Uint8Array(6);
    expect([frozen, gaps, { a: new Float64Array(1) }].map(value => find(value, 10, 5)?.rules)).toEqual([
      ['maxProperties'],
      ['maxProperties'],
      ['maxProperties'],
    ]);
    expect(find({ a: new Float64Array(1) }, 10, 8)).toBeUndefined();
  });

  it('visit what is shared once, and end on what contains itself', () => {
    let shared: unknown = 'leaf';
    for (let level = 0; level < 40; level++) {
      shared = [shared, shared];
    }
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect([find(shared), find(loop)]).toEqual([undefined, undefined]);
  });

  it('are not held up by the gaps of a sparse array', () => {
    const sparse: unknown[] = [];
    sparse[4_000_000_000] = 'x'.repeat(11);
    expect(ruleOf(sparse)).toEqual(['maxStringLength']);
  });

  it('refuse a value exactly when something in it breaks one of them', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.integer({ min: 1, max: 12 }), (text, max) => {
        const value = JSON.parse(text) as unknown;
        const isBroken = hasForbiddenKey(value) || stringsOf(value).some(({ length }) => length > max);
        expect(find(value, max) !== undefined).toBe(isBroken);
      }),
    );
  });
});

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') {
    return [value];
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  return [...keys, ...Object.values(value).flatMap(stringsOf)];
}
