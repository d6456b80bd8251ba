import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type PipeTransform,
  type Provider,
} from '@nestjs/common';
import { APP_PIPE, DiscoveryModule, ModulesContainer } from '@nestjs/core';
import type { Subscription } from 'rxjs';
import type { ZmqViolationKind } from '../limits/violation.js';
import { invalid } from '../options/fields.js';
import { PeerGuard } from '../pipeline/peer.guard.js';
import { RateLimitGuard } from '../pipeline/rate-limit.guard.js';
import { SharedRateLimits } from '../pipeline/shared-rate-limits.js';
import { SizeViolationInterceptor } from '../pipeline/size-violation.interceptor.js';
import { ZmqValidationPipe } from '../pipeline/zmq-validation.pipe.js';
import { ServerZmq } from '../server/server-zmq.js';
import { HandlerExplorer } from './handler-explorer.js';
import { ModuleLimits } from './module-limits.js';
import { ZMQ_AUTHENTICATOR, ZMQ_MODULE_OPTIONS, ZMQ_PIPE, ZMQ_SHARED_RATES } from './module-tokens.js';
import { VIOLATION_LISTENER } from './on-zmq-violation.decorator.js';
import { ScopeCheck } from './scope-check.js';
import { ZmqApplication } from './zmq-application.js';
import { ZmqEvents } from './zmq-events.js';
import { ZmqLimits } from './zmq-limits.js';
import {
  resolveModuleOptions,
  type ResolvedModuleOptions,
  type ZmqModuleAsyncOptions,
  type ZmqModuleExtras,
  type ZmqModuleOptions,
} from './zmq-module-options.js';
import { ZmqServers } from './zmq-servers.js';

/**
 * Has the servers of an application keep the limits in its decorators, validates what handlers get, and offers
 * {@link ZmqLimits} and {@link ZmqEvents} to all modules. Import it once, in the root module.
 *
 * ```ts
 * @Module({ imports: [ZmqModule.forRoot({ limits: { maxMessageSize: '64kb', rateLimit: { points: 1_000 } } })] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class ZmqModule implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly subscription: Subscription;
  private isPrepared = false;

  constructor(
    modules: ModulesContainer,
    @Inject(ZMQ_MODULE_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly application: ZmqApplication,
    private readonly explorer: HandlerExplorer,
    private readonly events: ZmqEvents,
    private readonly servers: ZmqServers,
  ) {
    if ([...modules.values()].filter(({ metatype }) => metatype === ZmqModule).length > 1) {
      throw invalid('ZmqModule must be imported once, in the root module: its options hold for the whole application.');
    }
    this.subscription = modules.getRpcTargetRegistry<unknown>().subscribe(target => {
      if (target instanceof ServerZmq) {
        this.adopt(target);
      }
    });
  }

  /**
   * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option
   */
  static forRoot(options: ZmqModuleOptions & ZmqModuleExtras = {}): DynamicModule {
    const {
      imports: _imports,
      sizeViolationInterceptor: _interceptor,
      authenticator: _authenticator,
      ...rest
    } = options;
    return moduleOf(options, { provide: ZMQ_MODULE_OPTIONS, useValue: resolveModuleOptions(rest) });
  }

  /** The options come from a factory: `{ imports: [ConfigModule], inject: [ConfigService], useFactory: config => ({ … }) }`. */
  static forRootAsync({ useFactory, inject = [], ...extras }: ZmqModuleAsyncOptions): DynamicModule {
    return moduleOf(extras, {
      provide: ZMQ_MODULE_OPTIONS,
      inject: [...inject],
      useFactory: async (...args: never[]) => resolveModuleOptions(await useFactory(...args)),
    });
  }

  onApplicationBootstrap(): void {
    this.prepare();
  }

  /** At the start of the first server, which in a hybrid application comes before its own, or else at that. */
  private prepare(): void {
    if (this.isPrepared) {
      return;
    }
    this.isPrepared = true;
    this.application.warnOfMisplaced();
    this.application.warnOfClosed();
    const { onViolation } = this.options;
    if (onViolation !== undefined) {
      this.events.call(onViolation);
    }
    for (const { call, metadata } of this.explorer.listeners<readonly ZmqViolationKind[]>(VIOLATION_LISTENER)) {
      this.events.call(call, metadata);
    }
  }

  onApplicationShutdown(): void {
    this.subscription.unsubscribe();
    this.application.sharedRates?.close();
    this.events.close();
  }

  private adopt(server: ServerZmq): void {
    this.prepare();
    server.attach(this.application);
    this.events.watch(server);
    this.servers.add(server);
  }
}

function moduleOf(
  { imports = [], sizeViolationInterceptor, authenticator }: ZmqModuleExtras,
  options: Provider,
): DynamicModule {
  return {
    module: ZmqModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      options,
      ScopeCheck,
      HandlerExplorer,
      ZmqApplication,
      ZmqEvents,
      ZmqLimits,
      ZmqServers,
      RateLimitGuard,
      PeerGuard,
      { provide: SizeViolationInterceptor, useClass: sizeViolationInterceptor ?? SizeViolationInterceptor },
      authenticator === undefined
        ? { provide: ZMQ_AUTHENTICATOR, useFactory: () => undefined }
        : { provide: ZMQ_AUTHENTICATOR, useClass: authenticator },
      { provide: ZMQ_SHARED_RATES, inject: [ZMQ_MODULE_OPTIONS, ZmqEvents], useFactory: loadSharedRates },
      ModuleLimits,
      { provide: ZMQ_PIPE, inject: [ZMQ_MODULE_OPTIONS], useFactory: createPipe },
      { provide: APP_PIPE, useExisting: ZMQ_PIPE },
    ],
    exports: [ZmqEvents, ZmqLimits, RateLimitGuard, PeerGuard],
  };
}

async function loadSharedRates(
  { rateLimits }: ResolvedModuleOptions,
  events: ZmqEvents,
): Promise<SharedRateLimits | undefined> {
  if (rateLimits === false || rateLimits.store === undefined) {
    return undefined;
  }
  const hooks = {
    onStoreAway: (error: Error) => events.storeChanged({ isAway: true, error }),
    onStoreBack: () => events.storeChanged({ isAway: false }),
  };
  return SharedRateLimits.load(rateLimits.store, hooks, rateLimits.maxKeys);
}

function createPipe({ validation }: ResolvedModuleOptions): PipeTransform {
  return validation === false ? { transform: (value: unknown) => value } : new ZmqValidationPipe(validation);
}
