import type { MessageHandler } from '@nestjs/microservices';
import { invalid } from '../options/fields.js';
import { describe, formatBytes } from '../options/bytes.js';
import { HANDLER_RULES, layered, type HandlerRules } from '../pipeline/handler-rules.js';
import { accessOf } from '../pipeline/peer-access.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import type { ServerApplication } from './application.js';
import type { CheckedChanges } from './live-limits.js';
import { isForbiddenKey } from '../wire/forbidden-keys.js';
import { NO_ROUTE_LIMITS, Route, type RouteLimits } from './route.js';
import { RateCounter, type NamedRule } from './route-rates.js';
import { rulesForAll } from './strictest.js';

/** Handlers whose sizes are told to clients. */
const MAX_TOLD_SIZES = 256;
/** Senders that each limit counts where no application says how many: limits may be set without one. */
const DEFAULT_RATE_KEYS = 100_000;

/** The handlers of a server, with the limits of each. */
export class Routes {
  private readonly routes = new Map<string, Route>();
  private counters = new Map<string, RateCounter>();
  /** What was configured for single handlers, or changed while the server runs. */
  private changes = new Map<string, HandlerRules>();
  private defaults: HandlerRules;

  /**
   * @throws {@link ZmqException} `INVALID_OPTIONS` for limits that contradict one another, or that cannot be found
   */
  constructor(
    handlers: ReadonlyMap<string, MessageHandler>,
    private readonly application: ServerApplication | undefined,
    private server: Pick<ResolvedServerOptions, 'limits'>,
  ) {
    this.defaults = application?.defaults ?? {};
    for (const [pattern, handler] of handlers) {
      this.routes.set(pattern, new Route(pattern, handler));
      assertFound(pattern, handler, application);
    }
    for (const [pattern, rules] of application?.overrides ?? []) {
      if (!this.routes.has(pattern)) {
        throw invalid(`ZmqModule options.handlers has ${describe(pattern)}, for which there is no handler.`);
      }
      this.changes.set(pattern, rules);
    }
    this.refresh();
  }

  get(pattern: string): Route | undefined {
    return this.routes.get(pattern);
  }

  [Symbol.iterator](): IterableIterator<Route> {
    return this.routes.values();
  }

  /**
   * Handlers that take less than `limit` bytes, and how much: what clients are told, so that they need not send in vain.
   * Not all if there are very many, not those whose application wants to decide about what is larger, and not those that do
   * not take messages of everybody: whoever may not call them is not told that they are there.
   */
  smallerSizes(limit: number): Readonly<Record<string, number>> | undefined {
    const entries: [string, number][] = [];
    if (this.application?.violated !== undefined) {
      return undefined;
    }
    for (const { pattern, limits } of this.routes.values()) {
      const isTold =
        limits.maxMessageSize < limit && limits.access === undefined && typeof limits.onViolation === 'string';
      // No client would decode an object with such keys.
      if (isTold && entries.length < MAX_TOLD_SIZES && !isForbiddenKey(pattern)) {
        entries.push([pattern, limits.maxMessageSize]);
      }
    }
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }

  /** What holds for a handler now: what was changed goes before decorators, and these before what holds for all. */
  rulesOf(pattern: string): HandlerRules {
    const { application, defaults } = this;
    const changes = this.changes.get(pattern);
    const rules = rulesForAll(application?.rulesOf(pattern) ?? [], { defaults, changes });
    return application?.countsRates === false ? { ...rules, skipRateLimit: true } : rules;
  }

  get defaultRules(): HandlerRules {
    return this.defaults;
  }

  /** What holds for each handler, by pattern. */
  *rules(): IterableIterator<[string, HandlerRules]> {
    for (const pattern of this.routes.keys()) {
      yield [pattern, this.rulesOf(pattern)];
    }
  }

  /**
   * Puts other limits in force.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` for limits that contradict one another; nothing is changed then
   */
  change(changes: RuleChanges): void {
    this.attempt(changes, () => this.refresh());
    for (const route of this.routes.values()) {
      route.startWaiting();
    }
  }

  /**
   * Whether other limits could be put in force; nothing is changed.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` for limits that contradict one another
   */
  check(changes: RuleChanges): void {
    const before = this.state;
    this.attempt(changes, () => this.plan());
    Object.assign(this, before);
  }

  clear(): void {
    for (const counter of this.counters.values()) {
      counter.clear();
    }
  }

  private get state(): object {
    const { defaults, changes, server } = this;
    return { defaults, changes, server };
  }

  /** Does something under other rules, which are taken back if it fails. */
  private attempt({ defaults, handlers, options }: RuleChanges, action: () => unknown): void {
    const before = this.state;
    this.server = options;
    this.defaults = layered(this.defaults, defaults);
    this.changes = new Map(this.changes);
    for (const [pattern, rules] of handlers) {
      this.changes.set(pattern, layered(this.changes.get(pattern), rules));
    }
    try {
      action();
    } catch (error) {
      Object.assign(this, before);
      throw error;
    }
  }

  private plan(): { readonly plans: readonly Plan[]; readonly named: ReadonlyMap<string, NamedRule> } {
    const named = new Map<string, NamedRule>();
    const plans = [...this.routes.values()].map(route => this.planOf(route, named));
    return { plans, named };
  }

  private refresh(): void {
    const { plans, named } = this.plan();
    // Only from here on is anything changed: all of it is possible.
    this.counters = new Map([...named].map(([name, rule]) => [name, this.counterOf(name, rule)]));
    for (const { route, rules, names } of plans) {
      route.limits = this.limitsOf(route.pattern, rules, names);
    }
  }

  private planOf(route: Route, named: Map<string, NamedRule>): Plan {
    const { pattern } = route;
    const rules = this.rulesOf(pattern);
    this.assertBelow(pattern, rules);
    const limits = rules.skipRateLimit === true ? [] : (rules.rateLimit ?? []);
    const names = limits.map((rule, index) => {
      const name = rule.name ?? `#${index} ${pattern}`;
      const namedRule = { ...rule, name };
      assertSame(named.get(name) ?? namedRule, namedRule);
      named.set(name, namedRule);
      return name;
    });
    return { route, rules, names };
  }

  private limitsOf(pattern: string, rules: HandlerRules, names: readonly string[]): RouteLimits {
    const rates = names.map(name => this.counters.get(name) as RateCounter);
    const isGuarded = rates.length > 0 && (this.application?.isGuarded(pattern) ?? false);
    const { maxMessageSize, onViolation, maxResponseSize, concurrency, priority } = { ...NO_ROUTE_LIMITS, ...rules };
    return Object.freeze({
      access: accessOf(rules.allowPeers),
      maxMessageSize,
      onViolation,
      maxResponseSize,
      concurrency,
      priority,
      rates: Object.freeze(rates),
      isGuarded,
      isPlain: rates.length === 0 && concurrency === undefined,
      isShared: !isGuarded && rates.some(counter => counter.isShared),
    });
  }

  private counterOf(name: string, rule: NamedRule): RateCounter {
    const { maxRateKeys = DEFAULT_RATE_KEYS, sharedRates } = this.application ?? {};
    return this.counters.get(name)?.adjusted(rule, maxRateKeys) ?? new RateCounter(rule, maxRateKeys, sharedRates);
  }

  /** A handler cannot take more than the server lets through. */
  private assertBelow(pattern: string, rules: HandlerRules): void {
    const { maxMessageSize } = this.server.limits;
    for (const limit of ['maxMessageSize', 'maxResponseSize'] as const) {
      const size = rules[limit];
      if (size !== undefined && size > maxMessageSize) {
        throw invalid(
          `${limit} of the handler of '${pattern}' (${size}) must not exceed limits.maxMessageSize of its server (${maxMessageSize}).`,
        );
      }
    }
  }
}

type RuleChanges = Pick<CheckedChanges, 'defaults' | 'handlers' | 'options'>;

interface Plan {
  readonly route: Route;
  readonly rules: HandlerRules;
  /** Of its rate limits. */
  readonly names: readonly string[];
}

/** Where patterns are named otherwise than by Nest, decorators would not be found, and everybody would be let in. */
function assertFound(
  pattern: string,
  { extras = {} }: MessageHandler,
  application: ServerApplication | undefined,
): void {
  if (application !== undefined && HANDLER_RULES in extras && application.rulesOf(pattern).length === 0) {
    throw invalid(
      `The handler of '${pattern}' has limits in decorators, but there are none for a pattern of that name.`,
    );
  }
}

function assertSame(one: NamedRule, other: NamedRule): void {
  const isSame = (['points', 'bytes', 'duration', 'by'] as const).every(field => one[field] === other[field]);
  if (!isSame) {
    throw invalid(`The rate limits named '${one.name}' differ: ${describeRate(one)} and ${describeRate(other)}.`);
  }
}

function describeRate({ points, bytes, duration, by }: NamedRule): string {
  const amounts = [points === undefined ? '' : `${points} points`, bytes === undefined ? '' : formatBytes(bytes)];
  const who = typeof by === 'function' ? 'a function' : by;
  return `${amounts.filter(amount => amount !== '').join(' and ')} in ${duration} ms by ${who}`;
}
