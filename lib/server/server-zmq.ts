import { Server, type BaseRpcContext, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { EventEmitter } from 'node:events';
import { textOf } from '../errors/text-of.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { SampledLog } from '../monitoring/sampled-log.js';
import { invalid } from '../options/fields.js';
import { mergeGateOptions, type ResolvedGateOptions, type ZmqGateOptions } from '../options/gate-options.js';
import { createServerCounters, type ZmqServerStats } from '../monitoring/server-counters.js';
import { resolveServerOptions, type ResolvedServerOptions, type ZmqServerOptions } from '../options/server-options.js';
import { changeListeners, listenerLimits } from '../options/listener-changes.js';
import { identityOptions, hasConnections, type ZmqIdentityOptions } from '../options/identity-options.js';
import { ZMQ_TRANSPORT, ZmqStatus } from '../options/tokens.js';
import { createEngines, type Engines } from './engines.js';
import type { ProcessingHooks } from './dispatcher.js';
import type { WarningKind } from './refusals.js';
import type { TlsReload } from '../gate/tls-handshakes.js';
import type { ZmqAuthenticator } from '../options/authenticator.js';
import { advisoriesFor } from '../security/libzmq-advisories.js';
import { libzmqVersion } from '../socket/libzmq-version.js';
import type { ZmqServerEvents } from './server-events.js';
import { assertProtected } from '../security/exposure.js';
import { ServerSecurity } from './server-security.js';
import type { ServerApplication } from './application.js';
import { contradictions } from './contradictions.js';
import {
  addChanges,
  checkChanges,
  type ChangedRules,
  type CheckedChanges,
  type ZmqLimitChanges,
  type ZmqLimitsInForce,
} from './live-limits.js';
import { HANDLER_RULES, layered } from '../pipeline/handler-rules.js';
import { Routes } from './routes.js';
import { ServerSession } from './server-session.js';

/** Of a server that does not run. */
const NOTHING_HELD = {
  running: 0,
  streams: 0,
  peers: 0,
  connections: 0,
  paused: 0,
  receivingBytes: 0,
  heldBytes: 0,
  peakBytes: 0,
  outboxPackets: 0,
  outboxBytes: 0,
  mostOutboxBytes: 0,
  handlers: {},
} as const;

/**
 * Nest's end of the transport on the serving side.
 *
 * ```ts
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new ServerZmq({ bind: 'tcp://127.0.0.1:5555' }),
 * });
 * await app.listen();
 * ```
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` from the constructor, `BIND_FAILED` from `app.listen()`.
 */
export class ServerZmq extends Server<ZmqServerEvents, ZmqStatus> implements CustomTransportStrategy {
  override readonly transportId = ZMQ_TRANSPORT;
  /** What events' handlers throw comes to the server, which logs a sample: Nest would log every one, and peers bring them about. */
  override readonly propagatesEventHandlerErrors = true;
  private options: ResolvedServerOptions;
  private readonly emitter = new EventEmitter();
  private readonly counters = createServerCounters();
  private readonly duplicates = new Set<string>();
  private readonly securityLog = new SampledLog<'authenticator'>(this.logger);
  private readonly listenerLog = new SampledLog<'listener'>(this.logger);
  /** Only there once a hook is set: what has none need not pay for them. */
  private hooks: ProcessingHooks | undefined;
  private engines: Engines | undefined;
  private limitsOfGate: ResolvedGateOptions;
  private session: ServerSession | undefined;
  private security: ServerSecurity | undefined;
  /** Whether there have ever been identities for connections: with the last one gone, nobody may connect, and not everybody. */
  private wasAsked: boolean;
  private closing: Promise<void> | undefined;
  private application: ServerApplication | undefined;
  private routes: Routes | undefined;
  /** What was changed of the limits of handlers: it holds when the server is started anew, too. */
  private changed: ChangedRules = { defaults: undefined, handlers: new Map() };
  /** Contradictions of which the log tells already. */
  private readonly warnings = new Set<string>();

  constructor(options?: ZmqServerOptions) {
    super();
    this.options = resolveServerOptions(options);
    this.limitsOfGate = this.options.gate;
    this.wasAsked = hasConnections(this.options.identities);
    this._status$.next(ZmqStatus.DISCONNECTED);
    // An event named 'error' would throw without a listener.
    this.emitter.on('error', (error: Error) => this.logger.error(error));
  }

  /** The addresses that the server listens on, with ports resolved; empty while it does not. */
  get endpoints(): readonly string[] {
    return this.session === undefined ? [] : (this.engines?.socket.endpoints ?? []);
  }

  override listen(callback: (error?: unknown) => void): void {
    void this.startThenTell(callback);
  }

  /**
   * Drains and closes: clients are told to send elsewhere, running handlers finish within `drainTimeout`, their replies
   * leave, and the addresses are free when the promise resolves.
   */
  override close(): Promise<void> {
    this.closing ??= this.stop().finally(() => {
      this.closing = undefined;
    });
    return this.closing;
  }

  override on<E extends keyof ZmqServerEvents>(event: E, callback: ZmqServerEvents[E]): void {
    this.emitter.on(event, callback);
  }

  /**
   * What is beneath: the servers of `node:net` with the engine `gate`, the `Router` of the package `zeromq` with the
   * other, a list of both where endpoints need both. Receiving from it or closing it breaks the server.
   */
  override unwrap<T>(): T {
    if (this.engines === undefined) {
      throw new Error('The server is not initialized: call listen() or startAllMicroservices() first.');
    }
    return this.engines.socket.unwrap() as T;
  }

  override setOnProcessingStartHook(hook: Parameters<Server['setOnProcessingStartHook']>[0]): void {
    super.setOnProcessingStartHook(hook);
    this.useHooks();
  }

  override setOnProcessingEndHook(hook: Parameters<Server['setOnProcessingEndHook']>[0]): void {
    super.setOnProcessingEndHook(hook);
    this.useHooks();
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const route = this.normalizePattern(pattern as string);
    if (!isEventHandler && this.messageHandlers.has(route) && !this.duplicates.has(route)) {
      this.duplicates.add(route);
      this.logger.warn(`There is more than one handler for the message pattern '${route}'; the last one is used.`);
    }
    super.addHandler(pattern, callback, isEventHandler, extras);
  }

  /** The limits of the gate in force. */
  get gateLimits(): ResolvedGateOptions {
    return this.limitsOfGate;
  }

  /**
   * Changes limits of the gate while it runs; those not named stay as they are, and connections are kept.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option; nothing is changed then.
   */
  setGateLimits(changes: ZmqGateOptions): void {
    const where = 'ServerZmq.setGateLimits()';
    const gate = mergeGateOptions(this.limitsOfGate, changes, where);
    this.options = Object.freeze({ ...this.options, bind: changeListeners(this.options.bind, undefined, gate, where) });
    this.useGateLimits(gate);
  }

  /** All limits in force. */
  get limits(): ZmqLimitsInForce {
    const { limits, concurrency, memoryBudget, shedding, ...times } = this.options;
    const { stallTimeout, leaseTimeout, heartbeatInterval, drainTimeout } = times;
    return {
      limits,
      concurrency,
      memoryBudget,
      shedding,
      stallTimeout,
      leaseTimeout,
      heartbeatInterval,
      drainTimeout,
      gate: this.limitsOfGate,
      listeners: listenerLimits(this.options.bind),
      defaults: this.routes?.defaultRules ?? layered(this.application?.defaults, this.changed.defaults),
      handlers: Object.fromEntries(this.routes?.rules() ?? []),
    };
  }

  /**
   * Changes limits while the server runs; those not named stay as they are, and connections are kept. Where libzmq serves
   * an endpoint, `limits.maxMessageSize` cannot exceed what it was when the server was started.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option; nothing is changed then.
   */
  setLimits(changes: ZmqLimitChanges): void {
    const checked = this.checkLimits(changes);
    this.routes?.change(checked);
    this.changed = addChanges(this.changed, checked);
    this.options = checked.options;
    this.useGateLimits(checked.gate);
    this.engines?.adjust(checked.options);
    this.session?.adjust(checked.options);
    if (this.routes !== undefined) {
      this.warnOfContradictions(this.routes);
    }
  }

  /**
   * What `setLimits()` would put in force.
   *
   * @internal
   */
  checkLimits(changes: ZmqLimitChanges): CheckedChanges {
    const { options, limitsOfGate: gate, routes } = this;
    const checked = checkChanges({ options, gate, routes }, changes, 'ServerZmq.setLimits()');
    const { maxMessageSize } = checked.options.limits;
    const { mostMessageSize = maxMessageSize } = this.engines ?? {};
    if (maxMessageSize > mostMessageSize) {
      throw invalid(
        `ServerZmq.setLimits().limits.maxMessageSize (${maxMessageSize}) cannot exceed ${mostMessageSize} while the server runs: libzmq keeps to that.`,
      );
    }
    return checked;
  }

  /**
   * Takes what an application says about its handlers. `ZmqModule` calls it.
   *
   * @internal
   */
  attach(application: ServerApplication): void {
    this.application = application;
  }

  /**
   * Other identities from now on, in the place of all that there were. Connections of those that are no longer the same are
   * ended: they may come again, and are looked at anew.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option; nothing is changed then.
   */
  setIdentities(identities: Readonly<Record<string, ZmqIdentityOptions>>): void {
    if (identities === undefined) {
      // As an option it would stand for nobody; here it is a mistake.
      throw invalid('ServerZmq.setIdentities() must be given identities: {} for none.');
    }
    const resolved = identityOptions(identities, 'ServerZmq.setIdentities()');
    const holds = this.security?.replace(resolved);
    this.options = Object.freeze({ ...this.options, identities: resolved });
    this.wasAsked ||= hasConnections(resolved);
    if (holds !== undefined) {
      this.session?.review(holds);
    }
  }

  /** Reads files of certificates and keys again, without waiting for `tls.reloadInterval`. Connections go on as they are. */
  reloadTls(): void {
    this.engines?.reloadTls();
  }

  /** What the server has counted and what it holds at the moment. */
  getStats(): ZmqServerStats {
    return this.session?.stats ?? { ...this.counters, ...NOTHING_HELD };
  }

  /** A hook that throws harms nothing but itself: it runs where calls settle, in the midst of other peers' traffic. */
  protected override createProcessingEndHookRunner(context: BaseRpcContext): () => void {
    const runHook = super.createProcessingEndHookRunner(context);
    return () => {
      try {
        runHook();
      } catch (error) {
        this.logger.error(error);
      }
    };
  }

  private get authenticator(): ZmqAuthenticator | undefined {
    return this.options.authenticator ?? this.application?.authenticator;
  }

  private createSecurity(): ServerSecurity {
    return new ServerSecurity({
      options: this.options,
      authenticator: this.authenticator,
      wasAsked: this.wasAsked,
      // Peers bring it about.
      onFailed: error => this.securityLog.warn('authenticator', () => `The authenticator failed: ${textOf(error)}`),
      onRefused: (peerId, reason) => this.engines?.socket.note(peerId, 'not-authenticated', { reason }),
    });
  }

  private tlsReloaded(listener: string, { error, validTo }: TlsReload): void {
    if (error === undefined) {
      this.logger.log(`${listener} has a new certificate, which is valid until ${validTo.toISOString()}.`);
    } else {
      this.logger.warn(`${listener} keeps its certificate, as the new one cannot be used: ${textOf(error)}`);
    }
    this.tell('tlsReloaded', { listener, validTo, ...(error !== undefined && { error: toError(error) }) });
  }

  private warnOfRisks(problems: readonly string[], { hasZeromq }: Engines): void {
    for (const problem of problems) {
      this.logger.warn(problem);
    }
    const advisories = hasZeromq ? advisoriesFor(libzmqVersion) : [];
    if (advisories.length > 0) {
      const known = advisories.map(({ id, fixedIn }) => `${id} (fixed in ${fixedIn})`).join(', ');
      this.logger.warn(`libzmq ${libzmqVersion} has known vulnerabilities: ${known}.`);
    }
  }

  private useHooks(): void {
    this.hooks ??= (context, run) => this.runWithProcessingHooks(context, run);
  }

  private async startThenTell(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      callback(error);
      return;
    }
    callback();
  }

  private async start(): Promise<void> {
    if (this.session !== undefined) {
      throw new ZmqException('BIND_FAILED', 'The server is listening already.');
    }
    const routes = this.createRoutes();
    const security = this.createSecurity();
    const engines = createEngines(
      { ...this.options, gate: this.limitsOfGate },
      {
        decisionFor: listener => security.decisionFor(listener),
        onTlsReloaded: (listener, reload) => this.tlsReloaded(listener, reload),
      },
    );
    const { socket } = engines;
    const session = this.createSession(engines, routes, security);
    this.routes = routes;
    this.engines = engines;
    this.session = session;
    this.security = security;
    try {
      const { bind, socket: settings, allowInsecure } = this.options;
      const isAsked = this.authenticator !== undefined || this.wasAsked;
      const problems = await assertProtected({ listeners: bind, ipv6: settings.ipv6, isAsked, allowInsecure });
      this.warnOfRisks(problems, engines);
      await session.open();
    } catch (error) {
      this.session = undefined;
      this.engines = undefined;
      this.security = undefined;
      await session.close();
      throw error;
    }
    this._status$.next(ZmqStatus.CONNECTED);
    this.tell('listening', socket.endpoints);
  }

  private async stop(): Promise<void> {
    const { session } = this;
    if (session === undefined) {
      return;
    }
    await session.drain();
    this._status$.next(ZmqStatus.DISCONNECTED);
    await session.close();
    this.session = undefined;
    this.engines = undefined;
    this.security = undefined;
    this.routes?.clear();
    this.tell('close');
  }

  /** A listener that throws must not stop what led to the event, such as the receiving of messages. */
  private tell<E extends keyof ZmqServerEvents>(event: E, ...args: Parameters<ZmqServerEvents[E]>): void {
    if (event === 'error') {
      this._status$.next(ZmqStatus.DISCONNECTED);
    }
    for (const listener of this.emitter.listeners(event)) {
      void this.callListener(event, () => (listener as (...args: unknown[]) => unknown)(...args));
    }
  }

  /** Each by itself: one that fails must not keep others from hearing of what has happened. */
  private async callListener(event: string, call: () => unknown): Promise<void> {
    try {
      await call();
    } catch (error) {
      // A peer may be able to bring about as many events as it likes.
      this.listenerLog.warn('listener', () => `A listener of '${event}' failed: ${textOf(error)}`);
    }
  }

  private useGateLimits(limits: ResolvedGateOptions): void {
    this.limitsOfGate = limits;
    this.engines?.limit(limits, this.options);
  }

  /**
   * @throws {@link ZmqException} `INVALID_OPTIONS` for limits that contradict one another, or that nobody would keep
   */
  private createRoutes(): Routes {
    const { application, messageHandlers, options } = this;
    for (const [pattern, { extras }] of messageHandlers) {
      if (application === undefined && extras !== undefined && HANDLER_RULES in extras) {
        throw invalid(
          `The handler of '${pattern}' has limits in decorators, but its application does not import ZmqModule, which keeps them.`,
        );
      }
    }
    const routes = new Routes(messageHandlers, application, options);
    routes.change({ ...this.changed, options });
    this.warnOfContradictions(routes);
    return routes;
  }

  private warnOfContradictions(routes: Routes): void {
    const found = new Set(contradictions(this.options, routes));
    for (const warning of found) {
      if (!this.warnings.has(warning)) {
        this.logger.warn(warning);
      }
    }
    this.warnings.clear();
    for (const warning of found) {
      this.warnings.add(warning);
    }
  }

  private createSession({ socket, budget }: Engines, routes: Routes, security: ServerSecurity): ServerSession {
    return new ServerSession({
      options: this.options,
      socket,
      routes,
      application: this.application,
      prove: (proof, peerId, origin) => security.prove(proof, peerId, origin),
      senders: security.senders,
      hooks: () => this.hooks,
      counters: this.counters,
      budget,
      log: new SampledLog<WarningKind>(this.logger),
      emit: (event, ...args) => this.tell(event, ...args),
    });
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(textOf(error));
}
