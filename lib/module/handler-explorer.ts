import { Injectable, type Type } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { PATTERN_METADATA, TRANSPORT_METADATA } from '@nestjs/microservices/constants.js';
import { ZMQ_TRANSPORT } from '../options/tokens.js';
import { ownRules, rulesOf, type HandlerRules } from '../pipeline/handler-rules.js';
import { RateLimitGuard } from '../pipeline/rate-limit.guard.js';
import { routeOf } from '../wire/pattern.js';

/** A method of a class. */
export interface Method {
  readonly type: Type;
  readonly name: string;
  readonly method: object;
}

export interface ExploredHandler extends Method {
  readonly rules: HandlerRules;
  /** Whether a `RateLimitGuard` looks after its rates. */
  readonly isGuarded: boolean;
}

/** What decorators say about the handlers of an application. */
@Injectable()
export class HandlerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** All handlers, by route. Several may listen to one event. */
  handlers(): ReadonlyMap<string, readonly ExploredHandler[]> {
    const handlers = new Map<string, ExploredHandler[]>();
    for (const explored of this.methodsOf(this.discovery.getControllers())) {
      const { type, method } = explored;
      const rules = rulesOf(type, method) ?? {};
      const handler = { ...explored, rules, isGuarded: isGuarded(type) || isGuarded(method) };
      for (const route of routesOf(method)) {
        handlers.set(route, [...(handlers.get(route) ?? []), handler]);
      }
    }
    return handlers;
  }

  /** Methods that bear a limit and are no handlers, and classes that do and have none: nobody keeps it. */
  misplaced(): readonly string[] {
    const controllers = this.discovery.getControllers();
    return [...controllers, ...this.discovery.getProviders()].flatMap(wrapper => {
      const methods = [...this.methodsOf([wrapper])];
      const { metatype } = wrapper;
      const hasHandlers = controllers.includes(wrapper) && methods.some(({ method }) => routesOf(method).length > 0);
      const isMisplaced = typeof metatype === 'function' && !hasHandlers && ownRules(metatype) !== undefined;
      return [
        ...(isMisplaced ? [metatype.name] : []),
        ...methods
          .filter(({ method }) => ownRules(method) !== undefined && !(hasHandlers && routesOf(method).length > 0))
          .map(({ type, name }) => `${type.name}.${name}()`),
      ];
    });
  }

  /** Methods with metadata of this key, and the objects that they belong to. */
  *listeners<T>(key: symbol): IterableIterator<{ readonly call: (value: unknown) => unknown; readonly metadata: T }> {
    for (const wrapper of [...this.discovery.getControllers(), ...this.discovery.getProviders()]) {
      const instance = wrapper.instance as Record<string, (value: unknown) => unknown> | undefined;
      const isAlone = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      for (const { name, method } of isAlone && instance ? this.methodsOf([wrapper]) : []) {
        const metadata = Reflect.getMetadata(key, method) as T | undefined;
        if (metadata !== undefined) {
          yield { call: value => instance?.[name]?.(value), metadata };
        }
      }
    }
  }

  private *methodsOf(wrappers: readonly { readonly metatype: unknown }[]): IterableIterator<Method> {
    for (const { metatype } of wrappers) {
      const prototype = (metatype as Type | null)?.prototype as Record<string, object> | undefined;
      if (typeof metatype === 'function' && typeof prototype === 'object') {
        for (const name of this.scanner.getAllMethodNames(prototype)) {
          const method = prototype[name];
          if (typeof method === 'function') {
            yield { type: metatype as Type, name, method };
          }
        }
      }
    }
  }
}

function routesOf(method: object): readonly string[] {
  const transport = Reflect.getMetadata(TRANSPORT_METADATA, method) as unknown;
  if (!isHandler(method) || (transport !== undefined && transport !== ZMQ_TRANSPORT)) {
    return [];
  }
  const patterns = Reflect.getMetadata(PATTERN_METADATA, method) as readonly unknown[];
  return patterns.flatMap(pattern => routeOf(pattern) ?? []);
}

function isHandler(method: object): boolean {
  return Reflect.hasMetadata(PATTERN_METADATA, method);
}

function isGuarded(target: object): boolean {
  const guards = (Reflect.getMetadata(GUARDS_METADATA, target) ?? []) as readonly unknown[];
  return guards.some(
    guard =>
      guard instanceof RateLimitGuard ||
      guard === RateLimitGuard ||
      (typeof guard === 'function' && guard.prototype instanceof RateLimitGuard),
  );
}
