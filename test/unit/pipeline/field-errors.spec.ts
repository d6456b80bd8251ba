import type { ValidationError } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { pathOf, type Place } from '../../../lib/pipeline/data-path.js';
import { fieldsOfErrors, fieldsOfIssues } from '../../../lib/pipeline/field-errors.js';

const SCOPE = { root: undefined, maxErrors: 20 };

function error(property: string, constraints?: Record<string, string>, children: ValidationError[] = []) {
  return { property, ...(constraints && { constraints }), children };
}

function place(...keys: readonly PropertyKey[]): Place | undefined {
  return keys.reduce<Place | undefined>((parent, key) => ({ key, parent }), undefined);
}

describe('the path of a field', () => {
  it.each<[keys: readonly PropertyKey[], path: string]>([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b', 0, 'c'], 'a.b[0].c'],
    [['0', '12'], '[0][12]'],
    [['a', 'content-type'], 'a["content-type"]'],
    [['a', ''], 'a[""]'],
    [['a.b'], '["a.b"]'],
    [[Symbol('s')], '["Symbol(s)"]'],
  ])('of %j is %s', (keys, path) => {
    expect(pathOf(place(...keys))).toBe(path);
  });

  it('has no characters that could break out of a line', () => {
    expect(pathOf(place('a\nb\u001b[31m\u2028\u0085'))).toMatch(/^[\x20-\x7e\ufffd]*$/);
  });

  it('is cut at 200 characters, and a key at 64', () => {
    expect(pathOf(place('k'.repeat(10_000)))).toHaveLength(68);
    expect(pathOf(place(...Array.from({ length: 1_000 }, () => 'k'.repeat(50))))).toHaveLength(200);
  });
});

describe('the fields of validation errors', () => {
  it('come in order, with the errors of an object before those of its parts', () => {
    const errors = [
      error('a', { isArray: 'a must be an array' }, [
        error('0', undefined, [error('b', { isInt: 'no', min: 'small' })]),
      ]),
      error('c', { isString: 'c must be a string' }),
    ];
    expect(fieldsOfErrors(errors, SCOPE)).toEqual({
      fields: [
        { path: 'a', rules: ['isArray'], messages: ['a must be an array'] },
        { path: 'a[0].b', rules: ['isInt', 'min'], messages: ['no', 'small'] },
        { path: 'c', rules: ['isString'], messages: ['c must be a string'] },
      ],
      omitted: 0,
    });
  });

  it('are bounded in number, and the others counted', () => {
    const errors = Array.from({ length: 1_000 }, (_, index) => error(`f${index}`, { isInt: 'no' }));
    const { fields, omitted } = fieldsOfErrors(errors, { root: undefined, maxErrors: 3 });
    expect([fields.map(({ path }) => path), omitted]).toEqual([['f0', 'f1', 'f2'], 997]);
  });

  it('have messages of at most 200 characters in one line, and none where there is none', () => {
    const { fields } = fieldsOfErrors([error('a', { long: `x\n${'y'.repeat(300)}`, none: '' })], SCOPE);
    expect(fields[0]?.rules).toEqual(['long', 'none']);
    expect(fields[0]?.messages).toEqual([`x\ufffd${'y'.repeat(197)}…`]);
  });

  it('begin at the root, where an error may be about the value as a whole', () => {
    const whole = { constraints: { unknownValue: 'unknown' } } as unknown as ValidationError;
    const { fields } = fieldsOfErrors([whole, error('b', { isInt: 'no' })], { ...SCOPE, root: place('a') });
    expect(fields.map(({ path }) => path)).toEqual(['a', 'a.b']);
  });

  it('never hold a value or target', () => {
    const secret = {
      ...error('a', { isInt: 'no' }),
      value: 'secret',
      target: { secret: 1 },
      contexts: { isInt: 'secret' },
    };
    expect(JSON.stringify(fieldsOfErrors([secret], SCOPE))).not.toContain('secret');
  });

  it('stand errors within errors of any depth', () => {
    let deep = error('x', { isInt: 'no' });
    for (let level = 0; level < 100_000; level++) {
      deep = error('x', undefined, [deep]);
    }
    expect(fieldsOfErrors([deep], SCOPE).fields).toHaveLength(1);
  });
});

describe('the fields of schema issues', () => {
  it('gather the messages of one field', () => {
    const issues = [
      { message: 'too small', path: ['a', 0] },
      { message: 'required', path: [{ key: 'b' }] },
      { message: 'not even', path: ['a', { key: 0 }] },
      { message: 'all wrong' },
    ];
    expect(fieldsOfIssues(issues, { ...SCOPE, root: place('p') })).toEqual({
      fields: [
        { path: 'p.a[0]', rules: ['schema'], messages: ['too small', 'not even'] },
        { path: 'p.b', rules: ['schema'], messages: ['required'] },
        { path: 'p', rules: ['schema'], messages: ['all wrong'] },
      ],
      omitted: 0,
    });
  });

  it('are bounded in number, and so are the messages of each', () => {
    const issues = [
      ...Array.from({ length: 50 }, () => ({ message: 'm'.repeat(300), path: ['a'] })),
      ...Array.from({ length: 50 }, (_, index) => ({ message: 'no', path: [`f${index}`] })),
    ];
    const { fields, omitted } = fieldsOfIssues(issues, { root: undefined, maxErrors: 2 });
    expect([fields.map(({ path }) => path), omitted]).toEqual([['a', 'f0'], 49]);
    expect(fields[0]?.messages.map(({ length }) => length)).toEqual(Array.from({ length: 10 }, () => 200));
  });
});
