import { PATTERN_EXTRAS_METADATA, PATTERN_METADATA } from '@nestjs/microservices/constants.js';
import { invalid } from '../options/fields.js';
import type { AllowPeersRule } from '../security/access-rules.js';
import type { ZmqContext } from './zmq.context.js';
import type { ZmqSizeViolation, ZmqSizeViolationAction } from './size-violation.js';

/** What is done about a payload that is too large: one of the actions, or what decides in each case. */
export type ZmqSizeViolationPolicy =
  | ZmqSizeViolationAction
  | ((
      violation: ZmqSizeViolation,
      context: ZmqContext,
    ) => ZmqSizeViolationAction | void | Promise<ZmqSizeViolationAction | void>);

/**
 * By whom a rate is counted: by connection, by network address (of IPv6 by /64 network; all whose address the engine does
 * not know count together), by the proven name of the sender (by connection where it has none), or by what a function makes of the context. The function sees pattern, peer and
 * metadata, but no data: it runs before anything is decoded. Its result is cut at 256 characters.
 */
export type ZmqRateLimitKey = 'peer' | 'address' | 'identity' | ((context: ZmqContext) => string);

export interface RateLimitRule {
  readonly points: number | undefined;
  readonly bytes: number | undefined;
  readonly duration: number;
  readonly by: ZmqRateLimitKey;
  /** Limits of one name count together. */
  readonly name: string | undefined;
}

export interface ConcurrencyRule {
  readonly limit: number;
  readonly queue: number;
}

/** `critical` requests are taken even while the process sheds load. */
export type ZmqPriority = 'critical' | 'normal';

/** What decorators, and the module for all handlers, say about a handler. */
export interface HandlerRules {
  readonly maxMessageSize?: number;
  readonly onViolation?: ZmqSizeViolationPolicy;
  readonly maxResponseSize?: number;
  readonly rateLimit?: readonly RateLimitRule[];
  readonly skipRateLimit?: boolean;
  readonly concurrency?: ConcurrencyRule;
  readonly priority?: ZmqPriority;
  readonly allowPeers?: AllowPeersRule;
}

/** Where decorators leave what they say: on a method or a class, and as a mark among what Nest hands to a transport. */
export const HANDLER_RULES = Symbol('nestjs-zeromq:handler-rules');

/** A decorator for handlers and controllers. What a method says goes before what its controller says. */
export function ruleDecorator(rules: HandlerRules): MethodDecorator & ClassDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (descriptor === undefined) {
      addRules(target, rules);
      markMethods((target as { prototype: object }).prototype);
    } else {
      const method: unknown = descriptor.value;
      if (typeof method !== 'function') {
        throw invalid('Limits of handlers stand on methods and classes, and not on accessors or properties.');
      }
      addRules(method, rules);
      mark(method);
    }
  };
}

/** What decorators say about a method of a class; `undefined` if nothing. */
export function rulesOf(type: object, method: object): HandlerRules | undefined {
  const given = [...lineageOf(type).reverse(), method].flatMap(target => ownRules(target) ?? []);
  return given.length === 0 ? undefined : layered(...given);
}

/** What decorators say about a class, not counting those it extends, or about a method. */
export function ownRules(target: object): HandlerRules | undefined {
  return Reflect.getOwnMetadata(HANDLER_RULES, target) as HandlerRules | undefined;
}

/** Rules of which the later go before the earlier. Whoever says a rate wants it, even where others are freed of theirs. */
export function layered(...layers: readonly (HandlerRules | undefined)[]): HandlerRules {
  return layers.reduce<HandlerRules>(
    (below, above) => ({ ...(above?.rateLimit === undefined ? below : withoutSkip(below)), ...above }),
    {},
  );
}

function withoutSkip({ skipRateLimit: _skip, ...rules }: HandlerRules): HandlerRules {
  return rules;
}

/** A class and those it extends. */
function lineageOf(type: object): object[] {
  const lineage: object[] = [];
  for (let each: unknown = type; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
    lineage.push(each);
  }
  return lineage;
}

function addRules(target: object, rules: HandlerRules): void {
  const before = ownRules(target);
  if (before?.allowPeers !== undefined && rules.allowPeers !== undefined) {
    // Neither of the two ways to read it goes without saying.
    throw invalid('@AllowPeers() must stand once on a handler or controller. Several rules go into one.');
  }
  // Decorators run from the last to the first, and limits are asked in the order in which they are written.
  const rateLimit = [...(rules.rateLimit ?? []), ...(before?.rateLimit ?? [])];
  const all = { ...before, ...rules, ...(rateLimit.length > 0 && { rateLimit }) };
  Reflect.defineMetadata(HANDLER_RULES, all, target);
}

/** A transport sees of a handler no more than its extras. With this mark a server notices that nobody reads the rules. */
function mark(method: object): void {
  const extras = Reflect.getMetadata(PATTERN_EXTRAS_METADATA, method) as object | undefined;
  Reflect.defineMetadata(PATTERN_EXTRAS_METADATA, { ...extras, [HANDLER_RULES]: true }, method);
}

/** Those it inherits as well. */
function markMethods(prototype: object | null): void {
  for (let each = prototype; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(each))) {
      if (typeof value === 'function' && Reflect.hasMetadata(PATTERN_METADATA, value)) {
        mark(value as object);
      }
    }
  }
}
