import { layered, type ConcurrencyRule, type HandlerRules } from '../pipeline/handler-rules.js';
import { listsOf } from '../security/access-rules.js';

/**
 * What holds for a pattern by what is said of each of its handlers, of all handlers, and of the pattern itself, which goes
 * before the others. A message goes to all handlers of an event, or to none.
 */
export function rulesForAll(
  handlers: readonly HandlerRules[],
  { defaults, changes }: { readonly defaults: HandlerRules; readonly changes: HandlerRules | undefined },
): HandlerRules {
  const given = handlers.length === 0 ? defaults : handlers.map(own => layered(defaults, own)).reduce(strictest);
  return layered(given, changes);
}

/** The rules of two handlers that get the same messages, as one: the stricter of each. */
export function strictest(one: HandlerRules, other: HandlerRules): HandlerRules {
  // What holds for all handlers holds once.
  const rateLimit = [...new Set([...ratesOf(one), ...ratesOf(other)])];
  const concurrency = fewest(one.concurrency, other.concurrency);
  const maxMessageSize = least(one.maxMessageSize, other.maxMessageSize);
  const maxResponseSize = least(one.maxResponseSize, other.maxResponseSize);
  const onViolation = policyOf(one, other);
  const allowPeers = allOf(one.allowPeers, other.allowPeers);
  const isCritical = one.priority === 'critical' && other.priority === 'critical';
  return {
    ...(maxMessageSize !== undefined && { maxMessageSize }),
    ...(onViolation !== undefined && { onViolation }),
    ...(maxResponseSize !== undefined && { maxResponseSize }),
    ...(rateLimit.length > 0 && { rateLimit }),
    ...(concurrency !== undefined && { concurrency }),
    ...(isCritical && { priority: 'critical' }),
    ...(allowPeers !== undefined && { allowPeers }),
  };
}

/** Whoever is freed of its rates is free of its own, not of those of the others. */
function ratesOf({ rateLimit = [], skipRateLimit }: HandlerRules): NonNullable<HandlerRules['rateLimit']> {
  return skipRateLimit === true ? [] : rateLimit;
}

function least(one = Number.POSITIVE_INFINITY, other = Number.POSITIVE_INFINITY): number | undefined {
  const size = Math.min(one, other);
  return size === Number.POSITIVE_INFINITY ? undefined : size;
}

/** Whoever is let in by one must be let in by the other as well. */
function allOf(one: HandlerRules['allowPeers'], other: HandlerRules['allowPeers']): HandlerRules['allowPeers'] {
  if (one === undefined || other === undefined) {
    return one ?? other;
  }
  const lists = [...new Set([...listsOf(one), ...listsOf(other)])];
  return lists.length > 1 ? Object.freeze(lists) : (lists[0] ?? 'anyone');
}

/** That of whoever takes less, if it says any. */
function policyOf(one: HandlerRules, other: HandlerRules): HandlerRules['onViolation'] {
  const isOne = (one.maxMessageSize ?? Number.POSITIVE_INFINITY) <= (other.maxMessageSize ?? Number.POSITIVE_INFINITY);
  const [first, second] = isOne ? [one, other] : [other, one];
  return first.onViolation ?? second.onViolation;
}

function fewest(one: ConcurrencyRule | undefined, other: ConcurrencyRule | undefined): ConcurrencyRule | undefined {
  return one === undefined || (other !== undefined && other.limit < one.limit) ? other : one;
}
