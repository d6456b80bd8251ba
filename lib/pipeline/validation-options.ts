import type { StandardSchemaValidationPipeOptions, ValidationPipeOptions } from '@nestjs/common';
import { describe } from '../options/bytes.js';
import { flag, integer, invalid, objectWith, resolveFields, type Field } from '../options/fields.js';

/** Characters of one string that validators get to see. */
export const ZMQ_DEFAULT_MAX_STRING_LENGTH = 10_000;

/** What both validation pipes refuse and report. */
export interface ZmqValidationLimits {
  /**
   * Characters of a string or key, 1 to 100,000,000. Data with a longer one is refused before any rule runs, so that no
   * regular expression is tried on it. It bounds expressions whose time grows with the square of the length; one that
   * doubles its time with every character, such as `^(a+)+$`, is slow on 30 and has to be rewritten. @defaultValue 10,000
   */
  readonly maxStringLength?: number;
  /** Fields that an error reports, 1 to 1,000; the others are counted. @defaultValue 20 */
  readonly maxErrors?: number;
}

type FixedOption =
  | 'errorFormat'
  | 'errorHttpStatusCode'
  | 'exceptionFactory'
  | 'forbidUnknownValues'
  | 'maxErrorMessagesLength'
  | 'validationError';

/**
 * Nest's options for validation, of which these differ: `whitelist`, `forbidNonWhitelisted` and `transform` are true
 * unless told otherwise, and with `whitelist: false` unknown properties are let through.
 *
 * Fixed are `exceptionFactory`, `errorFormat`, `errorHttpStatusCode` and `maxErrorMessagesLength`, as the error has one
 * form; `validationError`, as errors never carry values; and `forbidUnknownValues` at true, as otherwise a class that no
 * rule applies to (wrong `groups`, a second copy of class-validator) lets everything through without a sign.
 */
export interface ZmqValidationOptions extends Omit<ValidationPipeOptions, FixedOption>, ZmqValidationLimits {
  /**
   * Properties of one object in the data, 1 to 100,000. The time that class-transformer takes grows with their square:
   * 50,000 of them, which fit into one message, hold the process for seconds. @defaultValue 1,000
   */
  readonly maxProperties?: number;
}

type FixedSchemaOption = 'errorHttpStatusCode' | 'exceptionFactory' | 'maxErrorMessagesLength';

/** Nest's options for Standard Schemas, without `exceptionFactory` and what belongs to HTTP. */
export interface ZmqSchemaValidationOptions
  extends Omit<StandardSchemaValidationPipeOptions, FixedSchemaOption>, ZmqValidationLimits {}

const LIMIT_FIELDS = {
  maxStringLength: integer({ min: 1, max: 100_000_000, fallback: ZMQ_DEFAULT_MAX_STRING_LENGTH }),
  maxErrors: integer({ min: 1, max: 1_000, fallback: 20 }),
};

const ONE_FORM = 'errors of messages have one form, VALIDATION_FAILED';

// Complete, so that an option that Nest adds is not refused unnoticed.
const VALIDATION_FIELDS = {
  ...LIMIT_FIELDS,
  maxProperties: integer({ min: 1, max: 100_000, fallback: 1_000 }),
  whitelist: flag(true),
  forbidNonWhitelisted: optionalFlag,
  forbidUnknownValues: fixed('a class that no rule applies to must not let everything through'),
  transform: flag(true),
  stopAtFirstError: flag(false),
  disableErrorMessages: flag(false),
  validateCustomDecorators: flag(false),
  dismissDefaultMessages: optionalFlag,
  enableDebugMessages: optionalFlag,
  skipMissingProperties: optionalFlag,
  skipNullProperties: optionalFlag,
  skipUndefinedProperties: optionalFlag,
  always: optionalFlag,
  strictGroups: optionalFlag,
  groups: names,
  expectedType: classOrNone,
  transformOptions: objectOrNone<NonNullable<ValidationPipeOptions['transformOptions']>>(),
  validatorPackage: objectWith<NonNullable<ValidationPipeOptions['validatorPackage']>>('validate'),
  transformerPackage: objectWith<NonNullable<ValidationPipeOptions['transformerPackage']>>('plainToInstance'),
  exceptionFactory: fixed(ONE_FORM),
  errorFormat: fixed(ONE_FORM),
  errorHttpStatusCode: fixed(ONE_FORM),
  maxErrorMessagesLength: fixed('maxErrors bounds the error'),
  validationError: fixed('errors never carry values'),
} satisfies Record<keyof (ValidationPipeOptions & ZmqValidationOptions), Field<unknown>>;

const SCHEMA_FIELDS = {
  ...LIMIT_FIELDS,
  transform: flag(true),
  validateCustomDecorators: flag(false),
  validateOptions: objectOrNone<Record<string, unknown>>(),
  exceptionFactory: fixed(ONE_FORM),
  errorHttpStatusCode: fixed(ONE_FORM),
  maxErrorMessagesLength: fixed('maxErrors bounds the error'),
} satisfies Record<keyof (StandardSchemaValidationPipeOptions & ZmqValidationLimits), Field<unknown>>;

export interface ResolvedValidation<NestOptions> extends Required<ZmqValidationLimits> {
  /** What Nest's pipe is made with. */
  readonly nest: NestOptions;
  /** Whether the caller learns what is wrong. */
  readonly disclose: boolean;
}

/** @throws ZmqException `INVALID_OPTIONS` that names the option */
export function resolveValidation(
  options: unknown,
): ResolvedValidation<ValidationPipeOptions> & { readonly maxProperties: number } {
  const where = 'ZmqValidationPipe';
  const { maxStringLength, maxProperties, maxErrors, ...fields } = resolveFields(options, VALIDATION_FIELDS, where);
  const { whitelist, forbidNonWhitelisted = whitelist } = fields;
  if (forbidNonWhitelisted && !whitelist) {
    throw invalid(`${where}.forbidNonWhitelisted has no effect without ${where}.whitelist: set both or neither.`);
  }
  const validationError = { target: false, value: false };
  const nest = { ...defined(fields), forbidNonWhitelisted, forbidUnknownValues: true, validationError };
  return { nest, maxStringLength, maxProperties, maxErrors, disclose: !fields.disableErrorMessages };
}

/** @throws ZmqException `INVALID_OPTIONS` that names the option */
export function resolveSchemaValidation(options: unknown): ResolvedValidation<StandardSchemaValidationPipeOptions> {
  const resolved = resolveFields(options, SCHEMA_FIELDS, 'ZmqSchemaValidationPipe');
  const { maxStringLength, maxErrors, ...fields } = resolved;
  return { nest: defined(fields), maxStringLength, maxErrors, disclose: true };
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** class-validator tells an option that is `undefined` from one that is absent. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function optionalFlag(value: unknown, option: string): boolean | undefined {
  return value === undefined ? undefined : flag(false)(value, option);
}

function names(value: unknown, option: string): string[] | undefined {
  if (value !== undefined && !(Array.isArray(value) && value.every(name => typeof name === 'string'))) {
    throw invalid(`${option} must be an array of strings, but is ${describe(value)}.`);
  }
  return value === undefined ? undefined : [...(value as string[])];
}

function classOrNone(value: unknown, option: string): NonNullable<ValidationPipeOptions['expectedType']> | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw invalid(`${option} must be a class, but is ${describe(value)}.`);
  }
  return value as NonNullable<ValidationPipeOptions['expectedType']> | undefined;
}

function objectOrNone<T extends object>(): Field<T | undefined> {
  return (value, option) => {
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
      throw invalid(`${option} must be an object, but is ${describe(value)}.`);
    }
    return value as T | undefined;
  };
}

/** Nest has the option, but it cannot be chosen here. */
function fixed(reason: string): Field<undefined> {
  return (value, option) => {
    if (value !== undefined) {
      throw invalid(`${option} cannot be set: ${reason}.`);
    }
    return undefined;
  };
}
