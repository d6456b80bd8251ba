import { mergeGateOptions, type ResolvedGateOptions, type ZmqGateOptions } from '../options/gate-options.js';
import {
  LIVE_OPTIONS,
  mergeServerOptions,
  type ResolvedServerOptions,
  type ZmqLiveServerOptions,
} from '../options/server-options.js';
import { changeListeners, type ZmqListenerChanges, type ZmqListenerLimits } from '../options/listener-changes.js';
import { invalid, resolveFields } from '../options/fields.js';
import { describe } from '../options/bytes.js';
import type { ZmqHandlerLimits } from '../pipeline/handler-limits.js';
import { layered, type HandlerRules } from '../pipeline/handler-rules.js';
import { parseRules } from '../pipeline/parse-rules.js';
import type { Routes } from './routes.js';

/** Changes of limits while a server runs. What is not named stays as it is; groups are merged. */
export interface ZmqLimitChanges extends ZmqLiveServerOptions {
  /** Limits of the engine `gate`. */
  readonly gate?: ZmqGateOptions;
  /** Of single listeners, by name. */
  readonly listeners?: Readonly<Record<string, ZmqListenerChanges>>;
  /** What holds for all handlers unless they say otherwise. */
  readonly defaults?: ZmqHandlerLimits;
  /** Limits of single handlers, by pattern. They go before decorators. */
  readonly handlers?: Readonly<Record<string, ZmqHandlerLimits>>;
}

const KNOWN_CHANGES = Object.fromEntries(
  [...LIVE_OPTIONS, 'gate', 'listeners', 'defaults', 'handlers'].map(name => [name, (value: unknown) => value]),
);

/** What was checked of {@link ZmqLimitChanges}, ready to be put in force. */
export interface CheckedChanges {
  readonly options: ResolvedServerOptions;
  readonly gate: ResolvedGateOptions;
  readonly defaults: HandlerRules | undefined;
  readonly handlers: ReadonlyMap<string, HandlerRules>;
}

/** What was changed of the limits of handlers, all in all. */
export type ChangedRules = Pick<CheckedChanges, 'defaults' | 'handlers'>;

/** All limits of a server that are in force. Sizes are in bytes, times in milliseconds. */
export interface ZmqLimitsInForce
  extends
    Readonly<Pick<ResolvedServerOptions, 'limits' | 'concurrency' | 'memoryBudget' | 'shedding'>>,
    Readonly<Pick<ResolvedServerOptions, 'stallTimeout' | 'leaseTimeout' | 'heartbeatInterval' | 'drainTimeout'>> {
  readonly gate: ResolvedGateOptions;
  /** Of each listener, by name. */
  readonly listeners: Readonly<Record<string, ZmqListenerLimits>>;
  readonly defaults: HandlerRules;
  /** Of each handler, by pattern: what was changed, else what decorators say, else what holds for all. */
  readonly handlers: Readonly<Record<string, HandlerRules>>;
}

/**
 * Checks changes against what is in force.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option
 */
export function checkChanges(
  inForce: {
    readonly options: ResolvedServerOptions;
    readonly gate: ResolvedGateOptions;
    readonly routes: Routes | undefined;
  },
  changes: ZmqLimitChanges,
  where: string,
): CheckedChanges {
  // Names first: what is unknown is told beside all that is known.
  const {
    gate,
    listeners,
    defaults,
    handlers = {},
    ...rest
  }: ZmqLimitChanges = resolveFields(changes, KNOWN_CHANGES, where);
  if (typeof handlers !== 'object' || handlers === null || Array.isArray(handlers)) {
    throw invalid(`${where}.handlers must be an object of limits by pattern, but is ${describe(handlers)}.`);
  }
  const rules = Object.entries(handlers).map(([pattern, limits]) => {
    if (inForce.routes?.get(pattern) === undefined) {
      throw invalid(`${where}.handlers has ${describe(pattern)}, for which there is no handler.`);
    }
    return [pattern, parseRules(limits, `${where}.handlers[${describe(pattern)}]`)] as const;
  });
  const newGate = gate === undefined ? inForce.gate : mergeGateOptions(inForce.gate, gate, `${where}.gate`);
  const options = mergeServerOptions(inForce.options, rest, where);
  const checked = {
    options: Object.freeze({ ...options, bind: changeListeners(options.bind, listeners, newGate, where) }),
    gate: newGate,
    defaults: defaults === undefined ? undefined : parseRules(defaults, `${where}.defaults`),
    handlers: new Map(rules),
  };
  inForce.routes?.check(checked);
  return checked;
}

/** Both changes as one, the later before the earlier. */
export function addChanges(earlier: ChangedRules, later: ChangedRules): ChangedRules {
  const handlers = new Map(earlier.handlers);
  for (const [pattern, rules] of later.handlers) {
    handlers.set(pattern, layered(handlers.get(pattern), rules));
  }
  return { defaults: layered(earlier.defaults, later.defaults), handlers };
}
