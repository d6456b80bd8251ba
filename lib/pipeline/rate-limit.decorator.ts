import { invalid } from '../options/fields.js';
import type { ZmqRateLimit } from './handler-limits.js';
import { ruleDecorator } from './handler-rules.js';
import { parseRules } from './parse-rules.js';

/**
 * Limits how often, and with how many bytes, one sender calls a handler, or each handler of a controller. What is beyond is
 * answered with `RATE_LIMITED` and `details.retryAfterMs`, undecoded. Several limits are asked in the order in which they
 * are written, so the shortest goes first: those before the one that refuses have been used. Needs `ZmqModule`.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS`, when the class is defined
 */
export function RateLimit(...limits: readonly ZmqRateLimit[]): MethodDecorator & ClassDecorator {
  if (limits.length === 0) {
    throw invalid('@RateLimit() must be given a limit.');
  }
  return ruleDecorator(parseRules({ rateLimit: limits }, '@RateLimit()'));
}

/** Frees a handler, or the handlers of a controller, of the limits of its controller and of the module. */
export function SkipRateLimit(skip = true): MethodDecorator & ClassDecorator {
  return ruleDecorator(parseRules({ skipRateLimit: skip }, '@SkipRateLimit()'));
}
