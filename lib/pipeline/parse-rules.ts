import {
  byteSize,
  choice,
  flag,
  group,
  integer,
  invalid,
  milliseconds,
  resolveFields,
  type Field,
} from '../options/fields.js';
import { describe } from '../options/bytes.js';
import type { ZmqHandlerLimits } from './handler-limits.js';
import type { HandlerRules, RateLimitRule, ZmqRateLimitKey, ZmqSizeViolationPolicy } from './handler-rules.js';
import { allowPeers } from './parse-access-rules.js';
import { SIZE_VIOLATION_ACTIONS } from './size-violation.js';

const GIBI = 1024 ** 3;
const MAX_NAME_LENGTH = 64;

const BY = ['peer', 'address', 'identity'] as const;

const rateKey: Field<ZmqRateLimitKey> = (value = 'peer', option) =>
  typeof value === 'function' ? (value as ZmqRateLimitKey) : choice(BY, 'peer')(value, option);

const name: Field<string | undefined> = (value, option) => {
  // Those that begin so are the library's own, of limits without a name.
  const isName = typeof value === 'string' && /^[^#]/u.test(value) && value.length <= MAX_NAME_LENGTH;
  if (value === undefined || isName) {
    return value;
  }
  throw invalid(
    `${option} must be text of 1 to ${MAX_NAME_LENGTH} characters that does not begin with #, but is ${describe(value)}.`,
  );
};

const RATE_FIELDS = {
  points: optional(integer({ min: 1, max: 1_000_000_000, fallback: 1 })),
  bytes: optional(byteSize({ min: 1, max: 1024 * GIBI, fallback: 1 })),
  duration: milliseconds({ min: 1, max: 86_400_000, fallback: 1_000 }),
  by: rateKey,
  name,
};

const rateLimit: Field<RateLimitRule> = (value, option) => {
  const rule = resolveFields(value, RATE_FIELDS, option);
  if (rule.points === undefined && rule.bytes === undefined) {
    throw invalid(`${option} must have points, bytes or both.`);
  }
  return rule;
};

const rateLimits: Field<readonly RateLimitRule[]> = (value, option) => {
  if (!Array.isArray(value)) {
    return Object.freeze([rateLimit(value, option)]);
  }
  return Object.freeze(
    value.map((one: unknown, index) => rateLimit(one, value.length > 1 ? `${option}[${index}]` : option)),
  );
};

const policy: Field<ZmqSizeViolationPolicy> = (value, option) =>
  typeof value === 'function'
    ? (value as ZmqSizeViolationPolicy)
    : choice(SIZE_VIOLATION_ACTIONS, 'reject')(value, option);

const RULE_FIELDS = {
  maxMessageSize: optional(byteSize({ min: 1, max: GIBI, fallback: 1 })),
  onViolation: optional(policy),
  maxResponseSize: optional(byteSize({ min: 64, max: GIBI, fallback: 64 })),
  rateLimit: optional(rateLimits),
  skipRateLimit: optional(flag(true)),
  concurrency: optional(
    group({
      limit: required(integer({ min: 1, max: 1_000_000, fallback: 1 })),
      queue: integer({ min: 0, max: 1_000_000, fallback: 0 }),
    }),
  ),
  priority: optional(choice(['critical', 'normal'], 'normal')),
  allowPeers: optional(allowPeers),
};

/**
 * Checks limits of a handler; what is not given is left out.
 *
 * @param needed - what must be given
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option
 */
export function parseRules(
  limits: unknown,
  where: string,
  ...needed: readonly (keyof ZmqHandlerLimits)[]
): HandlerRules {
  const rules = resolveFields(limits, RULE_FIELDS, where);
  for (const name of needed) {
    required(() => undefined)((limits as ZmqHandlerLimits)[name], `${where}.${name}`);
  }
  const given = Object.entries(rules).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(given)) as HandlerRules;
}

function required<T>(field: Field<T>): Field<T> {
  return (value, option) => {
    if (value === undefined) {
      throw invalid(`${option} must be given.`);
    }
    return field(value, option);
  };
}

function optional<T>(field: Field<T>): Field<T | undefined> {
  return (value, option) => (value === undefined ? undefined : field(value, option));
}
