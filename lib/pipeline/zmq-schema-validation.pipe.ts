import { Injectable, Optional, StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { findBreach } from './data-bounds.js';
import { rootOf } from './data-path.js';
import { fieldsOfIssues, type SchemaIssue } from './field-errors.js';
import { validationFailure } from './validation-failure.js';
import { resolveSchemaValidation, type ZmqSchemaValidationOptions } from './validation-options.js';

/**
 * Nest's `StandardSchemaValidationPipe` for messages: checks parameters that have a schema of Zod, Valibot, ArkType and
 * the like, `@Payload({ schema })`, and refuses data that does not fit, or breaks the bounds of `ZmqValidationPipe`, in
 * the same form as that: `VALIDATION_FAILED` with `details` of `{ fields, omitted }`, all with the rule `schema`. The
 * messages are those of the schema, cut to 200 characters. Parameters without a schema are handed on as they are.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` when it is made with options that do not fit.
 */
@Injectable()
export class ZmqSchemaValidationPipe extends StandardSchemaValidationPipe {
  private readonly maxStringLength: number;
  private readonly maxErrors: number;

  constructor(@Optional() options?: ZmqSchemaValidationOptions) {
    const { nest, maxStringLength, maxErrors } = resolveSchemaValidation(options);
    super({ ...nest, exceptionFactory: issues => new UnfitValue(issues) });
    this.maxStringLength = maxStringLength;
    this.maxErrors = maxErrors;
  }

  /** @throws RpcException `VALIDATION_FAILED` */
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (metadata.schema === undefined || !this.toValidate(metadata)) {
      return value;
    }
    const root = rootOf(metadata);
    const breach = findBreach(value, { maxStringLength: this.maxStringLength, maxProperties: undefined, root });
    if (breach !== undefined) {
      throw validationFailure({ fields: [breach], omitted: 0 });
    }
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      throw error instanceof UnfitValue
        ? validationFailure(fieldsOfIssues(error.issues, { root, maxErrors: this.maxErrors }))
        : error;
    }
  }
}

/** Nest's pipe throws what its exception factory returns; where in the data the value lies is known only around it. */
class UnfitValue {
  constructor(readonly issues: readonly SchemaIssue[]) {}
}
