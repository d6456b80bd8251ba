import type { ArgumentMetadata } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { ZmqContext } from '../../../lib/pipeline/zmq.context.js';
import { ZmqValidationPipe } from '../../../lib/pipeline/zmq-validation.pipe.js';
import { refusalOf } from '../../support/refusal.js';
import { body, failureOf, NoRules, OrderDto, pathsOf, run } from '../../support/validation.js';

describe('ZmqValidationPipe hands on untouched', () => {
  const long = { text: 'x'.repeat(100_000) };

  it.each([undefined, Object, String, Number, Boolean, Array, Buffer, Date, Uint8Array, ArrayBuffer, Map, BigInt])(
    'data of a parameter of the type %o',
    async type => {
      expect(await run(long, {}, body(type as ArgumentMetadata['metatype']))).toBe(long);
    },
  );

  it('custom parameters, unless validateCustomDecorators is set', async () => {
    const custom: ArgumentMetadata = { type: 'custom', metatype: OrderDto, data: 'anything' };
    const wrong = { name: 1 };
    expect(await run(wrong, {}, custom)).toBe(wrong);
    expect(pathsOf(await failureOf(run(wrong, { validateCustomDecorators: true }, custom)))).toEqual(['name']);
  });

  it('the context, even where custom parameters are validated', async () => {
    const context = new ZmqContext({ pattern: 'p', metadata: undefined, peer: { id: '1' }, deadline: undefined });
    const custom: ArgumentMetadata = { type: 'custom', metatype: ZmqContext };
    expect(await run(context, { validateCustomDecorators: true }, custom)).toBe(context);
  });

  it('what has a type that is no class, such as an enum', async () => {
    expect(await run('RED', {}, body({ RED: 'RED' } as unknown as ArgumentMetadata['metatype']))).toBe('RED');
  });
});

describe('ZmqValidationPipe beside a schema', () => {
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
  } satisfies ArgumentMetadata['schema'];

  it('bounds the data, and leaves the rest to the pipe for schemas', async () => {
    const metadata = { ...body(Object), schema };
    expect(await run({ a: 1 }, {}, metadata)).toEqual({ a: 1 });
    expect(pathsOf(await failureOf(run({ a: ['x'.repeat(20_000)] }, {}, metadata)))).toEqual(['a[0]']);
  });

  it('lets a class without rules be a type and nothing more', async () => {
    const value = { a: 'any' };
    expect(await run(value, {}, { ...body(NoRules), schema })).toBe(value);
    expect(await run('text', {}, { ...body(NoRules), schema })).toBe('text');
  });

  it('applies the rules of a class that has some', async () => {
    expect(pathsOf(await failureOf(run({ name: 1 }, {}, { ...body(OrderDto), schema })))).toEqual(['name']);
  });
});

describe('the options of ZmqValidationPipe', () => {
  it.each<[options: object, name: string]>([
    [{ maxStringLength: 0 }, 'maxStringLength'],
    [{ maxStringLength: 100_000_001 }, 'maxStringLength'],
    [{ maxStringLength: '1kb' }, 'maxStringLength'],
    [{ maxProperties: 0 }, 'maxProperties'],
    [{ maxProperties: 100_001 }, 'maxProperties'],
    [{ maxErrors: 0 }, 'maxErrors'],
    [{ maxErrors: 1_001 }, 'maxErrors'],
    [{ whitelist: 'yes' }, 'whitelist'],
    [{ groups: 'admin' }, 'groups'],
    [{ expectedType: {} }, 'expectedType'],
    [{ transformOptions: true }, 'transformOptions'],
    [{ validatorPackage: {} }, 'validatorPackage'],
    [{ transformerPackage: {} }, 'transformerPackage'],
    [{ maxStringLenght: 5 }, 'maxStringLenght'],
    [{ whitelist: false, forbidNonWhitelisted: true }, 'forbidNonWhitelisted'],
    [{ forbidUnknownValues: false }, 'forbidUnknownValues'],
    [{ validationError: { value: true } }, 'validationError'],
    [{ exceptionFactory: () => new Error() }, 'exceptionFactory'],
    [{ errorFormat: 'grouped' }, 'errorFormat'],
    [{ errorHttpStatusCode: 422 }, 'errorHttpStatusCode'],
    [{ maxErrorMessagesLength: 5 }, 'maxErrorMessagesLength'],
  ])('refuse %o, naming it', (options, name) => {
    const { code, message } = refusalOf(() => new ZmqValidationPipe(options));
    expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining(name)]);
  });

  it('refuse a class that no rule applies to', async () => {
    const { details } = await failureOf(run({ a: 1 }, {}, body(NoRules)));
    expect(details?.fields).toMatchObject([{ path: '', rules: ['unknownValue'] }]);
  });

  it('are handed on to Nest', async () => {
    expect(await run({ name: 'a' }, { transform: false })).not.toBeInstanceOf(OrderDto);
    expect(await run({}, { skipMissingProperties: true })).toEqual({});
    expect(await run({ name: 'a' }, { expectedType: OrderDto }, body(Object))).toBeInstanceOf(OrderDto);
    const transformOptions = { enableImplicitConversion: true };
    expect(await run({ name: 7 }, { transformOptions })).toEqual({ name: '7' });
    const dismissed = await failureOf(run({ name: 7 }, { dismissDefaultMessages: true }));
    expect(dismissed.message).toBe('The data is not valid: name (isString).');
  });
});
