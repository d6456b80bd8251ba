import { Server, type BaseRpcContext, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { EventEmitter } from 'node:events';
import { textOf } from '../errors/text-of.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { SampledLog } from '../monitoring/sampled-log.js';
import { createServerCounters, type ZmqServerStats } from '../monitoring/server-counters.js';
import { resolveServerOptions, type ResolvedServerOptions, type ZmqServerOptions } from '../options/server-options.js';
import { isExposed } from '../options/endpoint.js';
import { ZMQ_TRANSPORT, ZmqStatus } from '../options/tokens.js';
import { RouterSocket } from '../socket/router-socket.js';
import type { ProcessingHooks } from './dispatcher.js';
import type { ServerSocket } from '../socket/server-socket.js';
import type { WarningKind } from './reception.js';
import type { ZmqServerEvents } from './server-events.js';
import { ServerSession } from './server-session.js';

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
  private readonly options: ResolvedServerOptions;
  private readonly emitter = new EventEmitter();
  private readonly counters = createServerCounters();
  private readonly duplicates = new Set<string>();
  /** Only there once a hook is set: what has none need not pay for them. */
  private hooks: ProcessingHooks | undefined;
  private socket: ServerSocket | undefined;
  private session: ServerSession | undefined;
  private closing: Promise<void> | undefined;

  constructor(options?: ZmqServerOptions) {
    super();
    this.options = resolveServerOptions(options);
    this._status$.next(ZmqStatus.DISCONNECTED);
    // An event named 'error' would throw without a listener.
    this.emitter.on('error', (error: Error) => this.logger.error(error));
  }

  /** The addresses that the server listens on, with ports resolved; empty while it does not. */
  get endpoints(): readonly string[] {
    return this.session === undefined ? [] : (this.socket?.endpoints ?? []);
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

  /** The `Router` socket of the package `zeromq`. Receiving from it or closing it breaks the server. */
  override unwrap<T>(): T {
    if (this.socket === undefined) {
      throw new Error('The server is not initialized: call listen() or startAllMicroservices() first.');
    }
    return this.socket.unwrap() as T;
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

  /** What the server has counted and what it holds at the moment. */
  getStats(): ZmqServerStats {
    const idle = { running: 0, streams: 0, peers: 0, heldBytes: 0, peakBytes: 0 };
    return this.session?.stats ?? { ...this.counters, ...idle };
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

  private warnIfExposed(endpoints: readonly string[]): void {
    const exposed = endpoints.filter(isExposed);
    if (exposed.length > 0) {
      this.logger.warn(
        `${exposed.join(', ')} can be reached from other machines, by anybody, without authentication or encryption. ` +
          'Bind to 127.0.0.1 or ipc:// unless the network is trusted entirely.',
      );
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
    const socket = this.createSocket();
    const session = this.createSession(socket);
    this.socket = socket;
    this.session = session;
    try {
      await session.open();
    } catch (error) {
      this.session = undefined;
      this.socket = undefined;
      await session.close();
      throw error;
    }
    this.warnIfExposed(socket.endpoints);
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
    this.socket = undefined;
    this.tell('close');
  }

  /** A listener that throws must not stop what led to the event, such as the receiving of messages. */
  private tell<E extends keyof ZmqServerEvents>(event: E, ...args: Parameters<ZmqServerEvents[E]>): void {
    if (event === 'error') {
      this._status$.next(ZmqStatus.DISCONNECTED);
    }
    try {
      this.emitter.emit(event, ...args);
    } catch (error) {
      this.logger.error(`A listener of '${event}' failed: ${textOf(error)}`);
    }
  }

  private createSocket(): ServerSocket {
    const { bind, limits, socket } = this.options;
    return new RouterSocket({ bind, maxMessageSize: limits.maxMessageSize, socket });
  }

  private createSession(socket: ServerSocket): ServerSession {
    return new ServerSession({
      options: this.options,
      socket,
      handlers: this.messageHandlers,
      hooks: () => this.hooks,
      counters: this.counters,
      log: new SampledLog<WarningKind>(this.logger),
      emit: (event, ...args) => this.tell(event, ...args),
    });
  }
}
