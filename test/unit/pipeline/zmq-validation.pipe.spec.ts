import { describe, expect, it } from 'vitest';
import { ZmqValidationPipe } from '../../../lib/pipeline/zmq-validation.pipe.js';
import { body, failureOf, ItemDto, OrderDto, pathsOf, run, SlowDto } from '../../support/validation.js';

const SLOW_TEXT = `${'a'.repeat(49_999)}!`;

describe('ZmqValidationPipe', () => {
  it('makes an instance of the DTO, nested ones included', async () => {
    const order = (await run({ name: 'a', items: [{ amount: 1 }] })) as OrderDto;
    expect(order).toBeInstanceOf(OrderDto);
    expect(order.items?.[0]).toBeInstanceOf(ItemDto);
  });

  it('refuses with the paths of all wrong fields, and without their values', async () => {
    const secret = 'my-secret';
    const failure = await failureOf(run({ name: 7, items: [{ amount: 1 }, { amount: secret, extra: secret }] }));
    expect(failure).toEqual({
      code: 'VALIDATION_FAILED',
      message: 'The data is not valid: name (name must be a string), and 2 more.',
      details: {
        fields: [
          { path: 'name', rules: ['isString'], messages: ['name must be a string'] },
          {
            path: 'items[1].extra',
            rules: ['whitelistValidation'],
            messages: ['property extra should not exist'],
          },
          { path: 'items[1].amount', rules: ['isInt'], messages: ['amount must be an integer number'] },
        ],
        omitted: 0,
      },
    });
    expect(JSON.stringify(failure)).not.toContain(secret);
  });

  it('refuses unknown keys, and strips or keeps them where it is told to', async () => {
    const data = () => ({ name: 'a', extra: 1 });
    expect(pathsOf(await failureOf(run(data())))).toEqual(['extra']);
    expect(await run(data(), { forbidNonWhitelisted: false })).toEqual({ name: 'a' });
    expect(await run(data(), { whitelist: false })).toEqual({ name: 'a', extra: 1 });
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the own key %s, at the top and below', async key => {
    const parse = (text: string) => JSON.parse(text.replaceAll('KEY', key)) as unknown;
    for (const options of [{}, { whitelist: false }]) {
      expect(pathsOf(await failureOf(run(parse('{"name":"a","KEY":{"x":1}}'), options)))).toEqual([key]);
      expect(pathsOf(await failureOf(run(parse('{"name":"a","more":[{"KEY":1}]}'), options)))).toEqual([
        `more[0].${key}`,
      ]);
    }
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('refuses data nested 100,000 levels deep', async () => {
    const more = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    expect((await failureOf(run({ name: 'a', more }))).details?.fields[0]?.['rules']).toEqual(['maxDepth']);
  });

  it('refuses a string of 50,000 characters before a catastrophic expression sees it', async () => {
    const pipe = new ZmqValidationPipe();
    await pipe.transform({ text: 'aaa' }, body(SlowDto));
    const before = process.cpuUsage();
    const failure = await failureOf(pipe.transform({ text: SLOW_TEXT }, body(SlowDto)));
    const { user, system } = process.cpuUsage(before);
    expect(failure.details?.fields).toEqual([
      {
        path: 'text',
        rules: ['maxStringLength'],
        messages: ['the text must not be longer than 10000 characters'],
      },
    ]);
    expect((user + system) / 1_000).toBeLessThan(100);
  });

  it('tries expressions on strings of up to maxStringLength', async () => {
    const text = 'a'.repeat(20);
    expect(await run({ text }, { maxStringLength: 20 }, body(SlowDto))).toEqual({ text });
    expect(pathsOf(await failureOf(run({ text }, { maxStringLength: 19 }, body(SlowDto))))).toEqual(['text']);
  });

  it('reports maxErrors fields, and counts the others', async () => {
    const extras = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]));
    const byDefault = await failureOf(run({ name: 'a', ...extras }));
    expect([byDefault.details?.fields.length, byDefault.details?.omitted]).toEqual([20, 480]);
    const two = await failureOf(run({ name: 'a', ...extras }, { maxErrors: 2 }));
    expect([two.details?.fields.length, two.details?.omitted]).toEqual([2, 498]);
    expect(two.message).toBe('The data is not valid: x0 (property x0 should not exist), and 499 more.');
  });

  it('keeps the whole error small, whatever the names of the keys', async () => {
    const extras = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}-`.padEnd(9_000, '"\n'), 1]));
    expect(JSON.stringify(await failureOf(run({ name: 'a', ...extras }))).length).toBeLessThan(20_000);
  });

  it.each<[what: string, value: unknown]>([
    ['an array', [{ name: 'a' }]],
    ['a string', 'a'],
    ['a number', 1],
    ['bytes', Buffer.from('a')],
    ['a date', new Date(0)],
  ])('refuses %s where an object is expected', async (_what, value) => {
    expect(await failureOf(run(value))).toMatchObject({
      message: 'The data is not valid: an object is expected.',
      details: { fields: [{ path: '', rules: ['isObject'] }] },
    });
  });

  it.each([undefined, null])('takes %s for an object without properties, as Nest does', async value => {
    expect(pathsOf(await failureOf(run(value)))).toEqual(['name']);
  });

  it.each([Buffer.alloc(1_000_000, 7), new Uint8Array(1_000_000).fill(7)])(
    'leaves bytes in a field alone, however many',
    async more => {
      const { more: handedOn } = (await run({ name: 'a', more })) as { more: Uint8Array };
      expect(handedOn).toBeInstanceOf(Uint8Array);
      expect(Buffer.compare(handedOn, more)).toBe(0);
    },
  );

  it('refuses an object with more properties than class-transformer gets done with in time', async () => {
    const wide = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`x${index}`, 1]));
    const before = process.cpuUsage();
    const failure = await failureOf(run({ name: 'a', more: wide }));
    const { user, system } = process.cpuUsage(before);
    expect(failure.details?.fields).toMatchObject([{ path: 'more', rules: ['maxProperties'] }]);
    expect((user + system) / 1_000).toBeLessThan(100);
    expect(await run({ name: 'a', more: { a: 1, b: 2 } }, { maxProperties: 2 })).toBeInstanceOf(OrderDto);
    expect(pathsOf(await failureOf(run({ name: 'a', more: { a: 1, b: 2, c: 3 } }, { maxProperties: 2 })))).toEqual([
      'more',
    ]);
  });

  it('gives paths from the top of the payload, where the parameter is a part of it', async () => {
    const metadata = body(OrderDto, 'order');
    expect(pathsOf(await failureOf(run({ name: 1 }, {}, metadata)))).toEqual(['order.name']);
    expect(pathsOf(await failureOf(run('x', {}, metadata)))).toEqual(['order']);
    expect(pathsOf(await failureOf(run({ name: 'x'.repeat(20_000) }, {}, metadata)))).toEqual(['order.name']);
  });

  it('says no more than that where disableErrorMessages is set', async () => {
    const expected = { code: 'VALIDATION_FAILED', message: 'The data is not valid.' };
    for (const value of [{ name: 1 }, { name: 'x'.repeat(20_000) }, 'x']) {
      expect(await failureOf(run(value, { disableErrorMessages: true }))).toEqual(expected);
    }
  });

  it('passes on what a rule of the application throws', async () => {
    const broken = new Error('broken rule');
    const validatorPackage = { validate: () => Promise.reject(broken) };
    await expect(run({ name: 'a' }, { validatorPackage })).rejects.toBe(broken);
    // Nest's pipes share the package of the one made last.
    expect(await run({ name: 'a' })).toBeInstanceOf(OrderDto);
  });
});
