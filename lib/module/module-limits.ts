import { Inject, Injectable, Optional } from '@nestjs/common';
import { group, integer, invalid, mergeFields, milliseconds, resolveFields } from '../options/fields.js';
import { SharedRateLimits } from '../pipeline/shared-rate-limits.js';
import { ZmqValidationPipe } from '../pipeline/zmq-validation.pipe.js';
import { ZMQ_MODULE_OPTIONS, ZMQ_PIPE, ZMQ_SHARED_RATES } from './module-tokens.js';
import type { ResolvedModuleOptions } from './zmq-module-options.js';

/** Limits of the module in force; `undefined` for what is switched off. */
export interface ZmqModuleLimits {
  readonly validation:
    { readonly maxStringLength: number; readonly maxProperties: number; readonly maxErrors: number } | undefined;
  /** `storeTimeout` is `undefined` without a store. */
  readonly rateLimits: { readonly maxKeys: number; readonly storeTimeout: number | undefined } | undefined;
}

/** Changes of them; what is not named stays as it is. */
export interface ZmqModuleLimitChanges {
  readonly validation?: {
    readonly maxStringLength?: number;
    readonly maxProperties?: number;
    readonly maxErrors?: number;
  };
  readonly rateLimits?: {
    /** Senders that each limit remembers. */
    readonly maxKeys?: number;
    /** Milliseconds that an answer of the store may take. */
    readonly storeTimeout?: number;
  };
}

const VALIDATION = group({
  maxStringLength: integer({ min: 1, max: 100_000_000, fallback: 1 }),
  maxProperties: integer({ min: 1, max: 100_000, fallback: 1 }),
  maxErrors: integer({ min: 1, max: 1_000, fallback: 1 }),
});
const RATE_LIMITS = {
  maxKeys: integer({ min: 2, max: 100_000_000, fallback: 2 }),
  storeTimeout: milliseconds({ min: 10, max: 60_000, fallback: 10 }),
};

/** The limits that the module keeps beside its servers, which may change while it runs. */
@Injectable()
export class ModuleLimits {
  private maxKeys: number | undefined;

  constructor(
    @Inject(ZMQ_MODULE_OPTIONS) { rateLimits }: ResolvedModuleOptions,
    @Inject(ZMQ_PIPE) private readonly pipe: unknown,
    @Optional() @Inject(ZMQ_SHARED_RATES) private readonly sharedRates: SharedRateLimits | undefined,
  ) {
    this.maxKeys = rateLimits === false ? undefined : rateLimits.maxKeys;
  }

  get inForce(): ZmqModuleLimits {
    const { maxKeys, pipe, sharedRates } = this;
    return {
      validation: pipe instanceof ZmqValidationPipe ? pipe.limits : undefined,
      rateLimits: maxKeys === undefined ? undefined : { maxKeys, storeTimeout: sharedRates?.timeout },
    };
  }

  /**
   * What changes would put in force.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option
   */
  check({ validation, rateLimits }: ZmqModuleLimitChanges, where: string): ZmqModuleLimits {
    const { inForce } = this;
    assertOn(validation, inForce.validation, `${where}.validation`);
    assertOn(rateLimits, inForce.rateLimits, `${where}.rateLimits`);
    assertOn(rateLimits?.storeTimeout, inForce.rateLimits?.storeTimeout, `${where}.rateLimits.storeTimeout`);
    return {
      validation: inForce.validation && VALIDATION(changed(inForce.validation, validation), `${where}.validation`),
      rateLimits: inForce.rateLimits && {
        storeTimeout: undefined,
        ...resolveFields(
          changed(inForce.rateLimits, rateLimits),
          inForce.rateLimits.storeTimeout === undefined ? { maxKeys: RATE_LIMITS.maxKeys } : RATE_LIMITS,
          `${where}.rateLimits`,
        ),
      },
    };
  }

  apply({ validation, rateLimits }: ZmqModuleLimits): void {
    if (validation !== undefined && this.pipe instanceof ZmqValidationPipe) {
      this.pipe.limits = validation;
    }
    if (rateLimits !== undefined) {
      this.maxKeys = rateLimits.maxKeys;
      this.sharedRates?.adjust({ ...rateLimits, timeout: rateLimits.storeTimeout ?? this.sharedRates.timeout });
    }
  }
}

/** What is switched off cannot be changed. */
function assertOn(change: unknown, inForce: unknown, option: string): void {
  if (change !== undefined && inForce === undefined) {
    throw invalid(`${option} is switched off in the options of ZmqModule.`);
  }
}

function changed(inForce: object, changes: unknown): unknown {
  // What is no object is left for the check to name.
  return typeof changes === 'object' && changes !== null
    ? withoutUndefined(mergeFields(inForce, changes))
    : (changes ?? withoutUndefined(inForce));
}

function withoutUndefined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
