import type { ArgumentMetadata } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { ZmqSchemaValidationPipe } from '../../../lib/pipeline/zmq-schema-validation.pipe.js';
import { refusalOf } from '../../support/refusal.js';

type Schema = NonNullable<ArgumentMetadata['schema']>;

/** Accepts what is even, and halves it. */
const EVEN: Schema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: value =>
      typeof value === 'number' && value % 2 === 0 ? { value: value / 2 } : { issues: [{ message: 'must be even' }] },
  },
};

const body = (schema?: Schema): ArgumentMetadata => ({ type: 'body', ...(schema && { schema }) });
const errorOf = async (running: Promise<unknown>) =>
  ((await running.catch((reason: unknown) => reason)) as RpcException).getError();

describe('ZmqSchemaValidationPipe', () => {
  it('hands on what the schema makes of the data, or the data where transform is off', async () => {
    expect(await new ZmqSchemaValidationPipe().transform(4, body(EVEN))).toBe(2);
    expect(await new ZmqSchemaValidationPipe({ transform: false }).transform(4, body(EVEN))).toBe(4);
  });

  it('refuses as the whole what the schema has no path for', async () => {
    expect(await errorOf(new ZmqSchemaValidationPipe().transform(3, body(EVEN)))).toEqual({
      code: 'VALIDATION_FAILED',
      message: 'The data is not valid: must be even.',
      details: { fields: [{ path: '', rules: ['schema'], messages: ['must be even'] }], omitted: 0 },
    });
  });

  it('hands on data without a schema, and custom parameters unless told otherwise', async () => {
    const custom: ArgumentMetadata = { type: 'custom', schema: EVEN };
    const long = 'x'.repeat(100_000);
    expect(await new ZmqSchemaValidationPipe().transform(long, body())).toBe(long);
    expect(await new ZmqSchemaValidationPipe().transform(3, custom)).toBe(3);
    const strict = new ZmqSchemaValidationPipe({ validateCustomDecorators: true });
    expect(await errorOf(strict.transform(3, custom))).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('hands its options on to the schema', async () => {
    let given: unknown;
    const validate = (value: unknown, options?: unknown) => {
      given = options;
      return { value };
    };
    const schema: Schema = { '~standard': { version: 1, vendor: 'test', validate } };
    await new ZmqSchemaValidationPipe({ validateOptions: { abortEarly: true } }).transform(1, body(schema));
    expect(given).toEqual({ abortEarly: true });
  });

  it('passes on what a schema throws', async () => {
    const broken = new Error('broken schema');
    const validate = () => Promise.reject(broken);
    const schema: Schema = { '~standard': { version: 1, vendor: 'test', validate } };
    await expect(new ZmqSchemaValidationPipe().transform(1, body(schema))).rejects.toBe(broken);
  });

  it.each<[options: object, name: string]>([
    [{ maxStringLength: 0 }, 'maxStringLength'],
    [{ maxErrors: 1.5 }, 'maxErrors'],
    [{ transform: 1 }, 'transform'],
    [{ validateOptions: [] }, 'validateOptions'],
    [{ exceptionFactory: () => new Error() }, 'exceptionFactory'],
    [{ errorHttpStatusCode: 422 }, 'errorHttpStatusCode'],
    [{ whitelist: true }, 'whitelist'],
  ])('refuses the options %o, naming the one', (options, name) => {
    const { code, message } = refusalOf(() => new ZmqSchemaValidationPipe(options));
    expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining(name)]);
  });
});
