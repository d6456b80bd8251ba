import { invalid } from '../options/fields.js';
import type { ZmqAccessRule } from './handler-limits.js';
import { ruleDecorator } from './handler-rules.js';
import { parseRules } from './parse-rules.js';

/**
 * Says who may call a handler, or each handler of a controller: `@AllowPeers({ roles: 'operator' })`. Within a rule
 * everything must hold that it names; of several rules one is enough. `@AllowPeers('anyone')` lets everybody in, for
 * instance where the controller says otherwise or `denyByDefault` is on. A method's rules replace those of its controller.
 *
 * Whoever is not let in gets `FORBIDDEN`, whatever the reason, before anything is decoded or counted by another limit.
 * Events are dropped. Where several handlers have one event, all of them must let its sender in. Needs `ZmqModule`.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS`, when the class is defined
 */
export function AllowPeers(...rules: readonly ['anyone'] | readonly ZmqAccessRule[]): MethodDecorator & ClassDecorator {
  if (rules.length === 0 || rules.some(rule => Array.isArray(rule))) {
    throw invalid("@AllowPeers() must be given 'anyone', or one or several rules, not as a list.");
  }
  const allowPeers = rules.length === 1 && rules[0] === 'anyone' ? rules[0] : rules;
  return ruleDecorator(parseRules({ allowPeers }, '@AllowPeers()'));
}
