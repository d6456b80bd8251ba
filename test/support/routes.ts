import type { MessageHandler } from '@nestjs/microservices';
import type { HandlerRules } from '../../lib/pipeline/handler-rules.js';
import type { ServerApplication } from '../../lib/server/application.js';
import type { Route } from '../../lib/server/route.js';
import { Routes } from '../../lib/server/routes.js';

export interface FakeApplication extends Partial<Omit<ServerApplication, 'rulesOf' | 'isGuarded'>> {
  /** Rules of the handlers of each pattern; every pattern here has a handler. */
  readonly handlers?: Readonly<Record<string, readonly HandlerRules[]>>;
  readonly guarded?: readonly string[];
}

export function createApplication({ handlers = {}, guarded = [], ...rest }: FakeApplication = {}): ServerApplication {
  return {
    rulesOf: pattern => handlers[pattern] ?? [],
    isGuarded: pattern => guarded.includes(pattern),
    defaults: {},
    denyByDefault: false,
    countsRates: true,
    maxRateKeys: 1_000,
    sharedRates: undefined,
    violated: undefined,
    ...rest,
  };
}

type Server = ConstructorParameters<typeof Routes>[2];

/** Limits of a server, of which routes look at one only. */
export function serverOf(maxMessageSize = 1_000_000): Server {
  return { limits: { maxMessageSize } } as Server;
}

export function createRoutes(application: FakeApplication = {}, maxMessageSize?: number): Routes {
  const patterns = Object.keys(application.handlers ?? {});
  const handlers = new Map(patterns.map(pattern => [pattern, (() => Promise.resolve()) as unknown as MessageHandler]));
  return new Routes(handlers, createApplication(application), serverOf(maxMessageSize));
}

/** A route with these limits. */
export function createRoute(rules: HandlerRules, application: FakeApplication = {}): Route {
  return createRoutes({ ...application, handlers: { route: [rules] } }).get('route') as Route;
}
