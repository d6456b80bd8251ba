import type { ModuleMetadata, Type } from '@nestjs/common';
import type { ZmqViolation } from '../limits/violation.js';
import { flag, group, integer, invalid, resolveFields, type Field } from '../options/fields.js';
import { describe } from '../options/bytes.js';
import type { ZmqAuthenticator } from '../options/authenticator.js';
import type { ZmqHandlerLimits } from '../pipeline/handler-limits.js';
import type { HandlerRules } from '../pipeline/handler-rules.js';
import { parseRules } from '../pipeline/parse-rules.js';
import type { ZmqRateLimitStore } from '../pipeline/rate-limit-store.js';
import type { SizeViolationInterceptor } from '../pipeline/size-violation.interceptor.js';
import type { ZmqValidationOptions } from '../pipeline/validation-options.js';

/** How rates are counted. */
export interface ZmqRateLimitsOptions {
  /** Senders that each limit counts at a time, 2 to 100,000,000; the one that was idle longest makes room. @defaultValue 100,000 */
  readonly maxKeys?: number;
  /** Counts across processes. Without it each process counts for itself. */
  readonly store?: ZmqRateLimitStore;
}

/** Options of `ZmqModule`. */
export interface ZmqModuleOptions {
  /** Limits of all handlers, unless their decorators say otherwise. */
  readonly limits?: ZmqHandlerLimits;
  /** Limits of single handlers, by pattern, e.g. from a configuration. They go before decorators. */
  readonly handlers?: Readonly<Record<string, ZmqHandlerLimits>>;
  /**
   * Whether handlers let nobody in that have neither `@AllowPeers()` nor `allowPeers` in `limits` or `handlers`. Whoever asks
   * for a pattern without a handler is then told no more than whoever may not call one that has some: `FORBIDDEN`.
   * @defaultValue false
   */
  readonly denyByDefault?: boolean;
  /** How rates are counted; `false` switches `@RateLimit()` off. */
  readonly rateLimits?: ZmqRateLimitsOptions | false;
  /** Whether the interceptor for payloads that are too large is asked; they are refused in any case. @defaultValue true */
  readonly sizeViolations?: boolean;
  /** Options of the `ZmqValidationPipe` that is registered for the whole application; `false` for none. */
  readonly validation?: ZmqValidationOptions | false;
  /** Called with violations of limits, as `ZmqEvents.violations` tells them. */
  readonly onViolation?: (violation: ZmqViolation) => void;
}

/** What has to be known before the options are. */
export interface ZmqModuleExtras extends Pick<ModuleMetadata, 'imports'> {
  /** A class of your own that decides about payloads that are too large; what it needs comes from `imports`. */
  readonly sizeViolationInterceptor?: Type<SizeViolationInterceptor>;
  /**
   * A class of your own that says who peers are where the identities of a server do not; what it needs comes from `imports`.
   * A server whose options have an `authenticator` asks that one instead.
   */
  readonly authenticator?: Type<ZmqAuthenticator>;
}

export interface ZmqModuleAsyncOptions extends ZmqModuleExtras {
  readonly useFactory: (...args: never[]) => ZmqModuleOptions | Promise<ZmqModuleOptions>;
  readonly inject?: readonly (Type | string | symbol)[];
}

export interface ResolvedModuleOptions {
  readonly limits: HandlerRules;
  readonly handlers: ReadonlyMap<string, HandlerRules>;
  readonly denyByDefault: boolean;
  readonly rateLimits: { readonly maxKeys: number; readonly store: ZmqRateLimitStore | undefined } | false;
  readonly sizeViolations: boolean;
  readonly validation: ZmqValidationOptions | false;
  readonly onViolation: ((violation: ZmqViolation) => void) | undefined;
}

const store: Field<ZmqRateLimitStore | undefined> = value => value as ZmqRateLimitStore | undefined;

const RATE_FIELDS = group({
  maxKeys: integer({ min: 2, max: 100_000_000, fallback: 100_000 }),
  // Checked where it is loaded.
  store,
});

const handlers: Field<ReadonlyMap<string, HandlerRules>> = (value = {}, option) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${option} must be an object of limits by pattern, but is ${describe(value)}.`);
  }
  return new Map(
    Object.entries(value).map(([pattern, limits]) => [pattern, parseRules(limits, `${option}[${describe(pattern)}]`)]),
  );
};

const FIELDS = {
  limits: ((value, option) => parseRules(value, option)) as Field<HandlerRules>,
  handlers,
  denyByDefault: flag(false),
  rateLimits: ((value, option) => (value === false ? false : RATE_FIELDS(value, option))) as Field<
    ResolvedModuleOptions['rateLimits']
  >,
  sizeViolations: flag(true),
  validation: ((value = {}) => value) as Field<ZmqValidationOptions | false>,
  onViolation: ((value, option) => {
    if (value !== undefined && typeof value !== 'function') {
      throw invalid(`${option} must be a function, but is ${describe(value)}.`);
    }
    return value;
  }) as Field<ResolvedModuleOptions['onViolation']>,
};

/**
 * Completes and checks the options of the module.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option
 */
export function resolveModuleOptions(options: unknown): ResolvedModuleOptions {
  return resolveFields(options, FIELDS, 'ZmqModule options');
}
