import { Injectable, Optional, ValidationPipe, type ArgumentMetadata, type ValidationError } from '@nestjs/common';
import { BaseRpcContext, type RpcException } from '@nestjs/microservices';
import { findBreach } from './data-bounds.js';
import { rootOf } from './data-path.js';
import { isDtoClass, isRecord } from './dto-types.js';
import { fieldsOfErrors, type FieldErrors } from './field-errors.js';
import { requirePackage } from './installed-package.js';
import { validationFailure } from './validation-failure.js';
import { resolveValidation, type ZmqValidationOptions } from './validation-options.js';

/**
 * Nest's `ValidationPipe` for messages. Data that does not fit its DTO class is answered with `VALIDATION_FAILED`,
 * thrown as an `RpcException`; its `details` are `{ fields: ZmqFieldError[], omitted: number }` and never hold a value
 * (a rule's own message that uses `$value` does, cut to 200 characters).
 *
 * Before class-transformer and class-validator see the data, it is refused for a string or key longer than
 * `maxStringLength`, for an object of more than `maxProperties`, for keys named `__proto__`, `constructor` or
 * `prototype`, and for more than 64 levels of nesting. How many items an array has is left to its rules: `@ArrayMaxSize()`
 * with `stopAtFirstError` keeps those of one that is too long from being validated one by one.
 *
 * Parameters without a DTO class or schema are handed on as they are, and so are binary data and contexts: an array that
 * `ParseArrayPipe` checks is not bounded by this pipe, one in a DTO is. A schema on the parameter
 * (`@Payload({ schema })`) is left to `ZmqSchemaValidationPipe` or Nest's own pipe for it.
 *
 * An HTTP route answers its exception with status 400 and the message.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` when it is made with options that do not fit, or where class-validator or
 * class-transformer is not installed.
 */
@Injectable()
export class ZmqValidationPipe extends ValidationPipe {
  private maxStringLength: number;
  private maxProperties: number;
  private maxErrors: number;
  private readonly disclose: boolean;

  constructor(@Optional() options?: ZmqValidationOptions) {
    const { nest, maxStringLength, maxProperties, maxErrors, disclose } = resolveValidation(options);
    if (nest.validatorPackage === undefined) {
      requirePackage('class-validator', 'ZmqValidationPipe');
    }
    if (nest.transformerPackage === undefined) {
      requirePackage('class-transformer', 'ZmqValidationPipe');
    }
    super({ ...nest, exceptionFactory: errors => new InvalidValue(errors) });
    this.maxStringLength = maxStringLength;
    this.maxProperties = maxProperties;
    this.maxErrors = maxErrors;
    this.disclose = disclose;
  }

  /**
   * Bounds in force.
   *
   * @internal
   */
  get limits(): Readonly<Record<'maxStringLength' | 'maxProperties' | 'maxErrors', number>> {
    const { maxStringLength, maxProperties, maxErrors } = this;
    return { maxStringLength, maxProperties, maxErrors };
  }

  /**
   * Other bounds, which have been checked, from now on.
   *
   * @internal
   */
  set limits({ maxStringLength, maxProperties, maxErrors }) {
    this.maxStringLength = maxStringLength;
    this.maxProperties = maxProperties;
    this.maxErrors = maxErrors;
  }

  /** @throws RpcException `VALIDATION_FAILED` */
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (value instanceof BaseRpcContext) {
      return value;
    }
    const typed = this.expectedType === undefined ? metadata : { ...metadata, metatype: this.expectedType };
    if (this.toValidate(typed)) {
      return this.validateDto(value, typed);
    }
    if (metadata.schema !== undefined && (metadata.type !== 'custom' || this.validateCustomDecorators)) {
      this.refuseBreach(value, metadata, undefined);
    }
    return super.transform(value, metadata);
  }

  /** The types of Nest's list are no DTO classes, and neither are those of binary data and the like. */
  protected override toValidate(metadata: ArgumentMetadata): boolean {
    return super.toValidate(metadata) && isDtoClass(metadata.metatype);
  }

  private async validateDto(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    this.refuseBreach(value, metadata, this.maxProperties);
    const root = rootOf(metadata);
    if (metadata.schema === undefined && value !== undefined && value !== null && !isRecord(value)) {
      // class-validator would look for the properties of the class on whatever it is, each item of an array included.
      throw this.failure(fieldsOfErrors([NO_OBJECT], { root, maxErrors: 1 }));
    }
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (error instanceof TypeError) {
        // class-transformer met a value that cannot become what a type asks for, such as an object without a text.
        throw this.failure(fieldsOfErrors([NO_CONVERSION], { root, maxErrors: 1 }));
      }
      if (!(error instanceof InvalidValue)) {
        throw error;
      }
      if (metadata.schema !== undefined && error.hasNoRules) {
        // The class is a type and nothing more: the schema has the rules.
        return value;
      }
      throw this.failure(fieldsOfErrors(error.errors, { root, maxErrors: this.maxErrors }));
    }
  }

  private refuseBreach(value: unknown, metadata: ArgumentMetadata, maxProperties: number | undefined): void {
    const { maxStringLength } = this;
    const breach = findBreach(value, { maxStringLength, maxProperties, root: rootOf(metadata) });
    if (breach !== undefined) {
      throw this.failure({ fields: [breach], omitted: 0 });
    }
  }

  private failure(errors: FieldErrors): RpcException {
    return validationFailure(errors, this.disclose);
  }
}

const NO_CONVERSION = {
  constraints: { isConvertible: 'a value cannot be converted to the type of its field' },
} as unknown as ValidationError;
const NO_OBJECT = { constraints: { isObject: 'an object is expected' } } as unknown as ValidationError;

/** Nest's pipe throws what its exception factory returns; where in the data the value lies is known only around it. */
class InvalidValue {
  constructor(readonly errors: readonly ValidationError[]) {}

  /** Whether all that is wrong is that no rule applies to the class. */
  get hasNoRules(): boolean {
    return this.errors.length === 1 && this.errors[0]?.constraints?.['unknownValue'] !== undefined;
  }
}
