import { Inject, Injectable, Logger, Optional, type CallHandler } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { throwError, type Observable } from 'rxjs';
import type { ZmqException } from '../errors/zmq.exception.js';
import { printable } from '../monitoring/sampled-log.js';
import type { ZmqAuthenticator } from '../options/authenticator.js';
import { layered, type HandlerRules } from '../pipeline/handler-rules.js';
import { isForNobody } from '../pipeline/peer-access.js';
import { SharedRateLimits } from '../pipeline/shared-rate-limits.js';
import { SizeViolationInterceptor } from '../pipeline/size-violation.interceptor.js';
import type { ZmqContext } from '../pipeline/zmq.context.js';
import type { ServerApplication } from '../server/application.js';
import { rulesForAll } from '../server/strictest.js';
import { HandlerExplorer, type ExploredHandler } from './handler-explorer.js';
import { ModuleLimits } from './module-limits.js';
import { ZMQ_AUTHENTICATOR, ZMQ_MODULE_OPTIONS, ZMQ_SHARED_RATES } from './module-tokens.js';
import type { ResolvedModuleOptions } from './zmq-module-options.js';

/** Where rates are switched off, nothing is counted. */
const LEAST_KEYS = 2;
/** What holds for handlers that do not say whom they let in, where everything is denied by default. */
const NOBODY: HandlerRules = { allowPeers: Object.freeze([]) };
/** Handlers that one line of the log names. */
const MAX_NAMED = 20;

/** What the servers of an application are told about its handlers. */
@Injectable()
export class ZmqApplication implements ServerApplication {
  private readonly logger = new Logger('ZmqModule');
  private explored: ReadonlyMap<string, readonly ExploredHandler[]> | undefined;

  constructor(
    @Inject(ZMQ_MODULE_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly explorer: HandlerExplorer,
    private readonly interceptor: SizeViolationInterceptor,
    private readonly limits: ModuleLimits,
    @Optional() @Inject(ZMQ_SHARED_RATES) readonly sharedRates: SharedRateLimits | undefined,
    @Optional() @Inject(ZMQ_AUTHENTICATOR) readonly authenticator: ZmqAuthenticator | undefined,
  ) {}

  get defaults(): HandlerRules {
    const { limits, denyByDefault } = this.options;
    return denyByDefault ? layered(NOBODY, limits) : limits;
  }

  get denyByDefault(): boolean {
    return this.options.denyByDefault;
  }

  get overrides(): ReadonlyMap<string, HandlerRules> {
    return this.options.handlers;
  }

  get countsRates(): boolean {
    return this.options.rateLimits !== false;
  }

  get maxRateKeys(): number {
    return this.limits.inForce.rateLimits?.maxKeys ?? LEAST_KEYS;
  }

  /** Only a class of the application's own is asked: the one of this library does what the server does by itself. */
  get violated(): ServerApplication['violated'] {
    const isOwn = this.interceptor.constructor !== SizeViolationInterceptor;
    return isOwn && this.options.sizeViolations ? (context, refusal) => this.intercept(context, refusal) : undefined;
  }

  rulesOf(pattern: string): readonly HandlerRules[] {
    return this.byPattern.get(pattern)?.map(({ rules }) => rules) ?? [];
  }

  /** An event that one of its handlers takes unguarded would be counted by nobody there. */
  isGuarded(pattern: string): boolean {
    return this.byPattern.get(pattern)?.every(handler => handler.isGuarded) ?? false;
  }

  /** Says which decorators nobody looks at. */
  warnOfMisplaced(): void {
    for (const name of this.explorer.misplaced()) {
      this.logger.warn(`${name} has a limit in a decorator, but is no handler: it has no effect.`);
    }
  }

  /** Says which handlers nobody may call because nothing says who may. */
  warnOfClosed(): void {
    const closed = this.denyByDefault ? [...this.byPattern.keys()].filter(pattern => this.isClosed(pattern)) : [];
    if (closed.length > 0) {
      const named = closed.slice(0, MAX_NAMED).map(pattern => `'${printable(pattern)}'`);
      const more = closed.length > MAX_NAMED ? ` and ${closed.length - MAX_NAMED} more` : '';
      this.logger.warn(
        `Nobody may call ${named.join(', ')}${more}: denyByDefault is on, and neither @AllowPeers() nor limits let anybody in.`,
      );
    }
  }

  private isClosed(pattern: string): boolean {
    const { defaults, overrides } = this;
    const { allowPeers } = rulesForAll(this.rulesOf(pattern), { defaults, changes: overrides.get(pattern) });
    return isForNobody(allowPeers);
  }

  private get byPattern(): ReadonlyMap<string, readonly ExploredHandler[]> {
    return (this.explored ??= this.explorer.handlers());
  }

  private async intercept(context: ZmqContext, refusal: ZmqException): Promise<Observable<unknown>> {
    const [handler] = this.byPattern.get(context.getPattern()) ?? [];
    const host = new ExecutionContextHost([undefined, context], handler?.type, handler?.method as never);
    host.setType('rpc');
    const next: CallHandler = { handle: () => throwError(() => refusal) };
    return this.interceptor.intercept(host, next);
  }
}
