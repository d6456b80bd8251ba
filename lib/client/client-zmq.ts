import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { Logger } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { lastValueFrom, Observable, throwError } from 'rxjs';
import { textOf } from '../errors/text-of.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { GateClientSocket } from '../gate/gate-client-socket.js';
import { systemClock } from '../limits/clock.js';
import { DeadlineWheel } from '../limits/deadline-wheel.js';
import type { ClientCounters, ZmqClientStats } from '../monitoring/client-counters.js';
import { SampledLog } from '../monitoring/sampled-log.js';
import { resolveClientOptions, type ResolvedClientOptions, type ZmqClientOptions } from '../options/client-options.js';
import { ZmqStatus } from '../options/tokens.js';
import { inheritedDeadline, wantCallScope } from '../pipeline/call-scope.js';
import type { ClientSocket } from '../socket/client-socket.js';
import { DealerSocket } from '../socket/dealer-socket.js';
import { ZmqRecord } from '../wire/record.js';
import { ClientEvent } from './client-event.js';
import type { ZmqClientEvents } from './client-events.js';
import { ClientRequest, type RequestOwner, type RequestSettings } from './client-request.js';
import { ClientSession } from './client-session.js';
import { Connector } from './connector.js';
import { contentsOf, type Contents } from './contents.js';
import { Retries } from './retries.js';
import { policyOfCall } from './retry-policy.js';
import { ValueQueue } from './value-queue.js';

const MAX_WIRE_BATCH = 65_536;
const MAX_WIRE_TEXT = 65_535;
const MAX_NUMBER_LENGTH = 64;

/**
 * Nest's end of the transport on the calling side. Connects on first use, balances over its endpoints, reconnects.
 *
 * ```ts
 * ClientsModule.register([{ name: 'MATH', customClass: ClientZmq, options: { connect: 'tcp://127.0.0.1:5555' } }])
 * ```
 *
 * Errors reach the caller as {@link ZmqException}.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` from the constructor.
 */
export class ClientZmq extends ClientProxy<ZmqClientEvents> {
  private readonly logger = new Logger(ClientZmq.name);
  private readonly log = new SampledLog<'event'>(this.logger);
  private readonly options: ResolvedClientOptions;
  private readonly counters: ClientCounters = { refused: 0, mostOutboxBytes: 0 };
  private readonly emitter = new EventEmitter();
  private readonly wheel = new DeadlineWheel();
  private readonly retries = new Retries({
    wheel: this.wheel,
    send: request => this.connector.send(request),
    onRetry: ({ contents: { route } }, { attempt, delay, refusal: { code } }) =>
      this.tell('retry', route, attempt, Math.round(delay), code),
  });
  private readonly owner: RequestOwner = {
    wheel: this.wheel,
    clock: systemClock,
    retries: this.retries,
    requestSettled: () => {
      this.pendingRequests--;
    },
  };
  private readonly connector: Connector;
  private readonly settings: RequestSettings;
  private pendingRequests = 0;

  constructor(options?: ZmqClientOptions) {
    super();
    this.options = resolveClientOptions(options);
    const { streamWindow, retry } = this.options;
    this.settings = { window: streamWindow, autoCredit: true, retry };
    if (this.options.inheritDeadline) {
      wantCallScope();
    }
    this._status$.next(ZmqStatus.DISCONNECTED);
    this.connector = new Connector({
      options: this.options,
      counters: this.counters,
      createSession: (endpoint, listener) => this.createSession(endpoint, listener),
      emit: (event, ...args) => this.tell(event, ...args),
      onStatus: status => this._status$.next(status),
    });
  }

  // Nest's `customClass` wants a plain `ClientProxy`, so the narrower type of the status is told here.
  override get status(): Observable<ZmqStatus> {
    return super.status as Observable<ZmqStatus>;
  }

  /** What waits in the client, and how much it has refused. */
  getStats(): ZmqClientStats {
    const { refused } = this.counters;
    return { pending: this.pendingRequests, retrying: this.retries.size, refused, ...this.connector.queues };
  }

  /**
   * Resolves once a server has answered, i.e. after a real round trip.
   *
   * @throws {@link ZmqException} `DISCONNECTED` when none has within `connectTimeout`; it may be called again then.
   */
  override connect(): Promise<void> {
    return this.connector.connect();
  }

  /** Lets queued events leave, fails requests without an answer (`DISCONNECTED`), and ends all connections. */
  override close(): Promise<void> {
    const reason = new ZmqException('DISCONNECTED', 'The client was closed.');
    this.retries.failAll(reason);
    return this.connector.close(reason);
  }

  /**
   * Sends a request when subscribed. Unsubscribing before the last answer cancels the handler.
   *
   * @param data a value, a Buffer or Uint8Array (sent as it is), or a `ZmqRecord`
   */
  override send<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    if (isNil(pattern) || isNil(data)) {
      return super.send<TResult, TInput>(pattern, data);
    }
    return new Observable<TResult>(observer =>
      this.publish(this.createPacket(pattern, data), this.createObserver<TResult>(observer)),
    );
  }

  /**
   * Sends an event at once, whether or not anybody subscribes. The Observable completes when the event has been handed
   * to the socket, and fails with `BACKPRESSURE` when too much waits already.
   */
  override emit<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    if (isNil(pattern) || isNil(data)) {
      return super.emit<TResult, TInput>(pattern, data);
    }
    try {
      const event = this.post(this.createPacket(pattern, data));
      return new Observable<TResult>(observer => event.observe(observer));
    } catch (error) {
      return throwError(() => error);
    }
  }

  /**
   * Sends a request and gives its values to a `for await` loop. The server sends only as many values ahead of the loop
   * as `window` says, so a slow loop holds the producer back; leaving the loop cancels the handler.
   */
  stream<TResult = unknown, TInput = unknown>(
    pattern: unknown,
    data: TInput,
    { window = 64 }: { readonly window?: number } = {},
  ): AsyncIterableIterator<TResult> {
    if (!Number.isInteger(window) || window < 1 || window > 0xffff) {
      throw new ZmqException('INVALID_OPTIONS', 'window must be a whole number from 1 to 65535.');
    }
    let request: ClientRequest | undefined;
    const queue = new ValueQueue<TResult>({
      onStart: () => {
        if (isNil(pattern) || isNil(data)) {
          super.send<TResult, TInput>(pattern, data).subscribe({ error: (error: unknown) => queue.fail(error) });
          return;
        }
        const observe = this.createObserver<TResult>({
          next: value => queue.push(value),
          error: (error: unknown) => queue.fail(error),
          complete: () => queue.end(),
        });
        request = this.request(this.createPacket(pattern, data), observe, {
          ...this.settings,
          window,
          autoCredit: false,
        });
      },
      onTaken: () => request?.consumed(),
      onReturn: () => request?.cancel(),
    });
    return queue;
  }

  override on<E extends keyof ZmqClientEvents>(event: E, callback: ZmqClientEvents[E]): void {
    this.emitter.on(event, callback);
  }

  /**
   * The `Dealer` socket of the package `zeromq`, or for `tcp://` with `engine: 'gate'` the `net.Socket`; an array of them
   * with several endpoints.
   */
  override unwrap<T>(): T {
    const sockets = this.connector.unwrap();
    if (sockets.length === 0) {
      throw new Error('The client is not connected: call connect() first.');
    }
    return (this.options.connect.length === 1 ? sockets[0] : sockets) as T;
  }

  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const request = this.request(packet, callback, this.settings);
    return () => request?.cancel();
  }

  protected override dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    return lastValueFrom(new Observable<T>(observer => this.post(packet).observe(observer)));
  }

  private request(
    packet: ReadPacket,
    callback: (packet: WritePacket) => void,
    settings: RequestSettings,
  ): ClientRequest | undefined {
    const { limits, inheritDeadline, timeout: usual } = this.options;
    try {
      if (this.pendingRequests >= limits.maxPending) {
        this.counters.refused++;
        throw new ZmqException('BACKPRESSURE', `${limits.maxPending} requests are waiting for an answer already.`, {
          details: { limit: limits.maxPending },
        });
      }
      const record = packet.data instanceof ZmqRecord ? packet.data : undefined;
      const own = record?.timeout ?? usual;
      const request = new ClientRequest(
        this.contentsOf(packet),
        inheritDeadline ? withinDeadline(own) : own,
        settingsOf(record, settings),
        this.owner,
        callback,
      );
      this.pendingRequests++;
      this.connector.send(request);
      return request;
    } catch (error) {
      callback({ err: error });
      return undefined;
    }
  }

  /** Sends an event, whose outcome may be observed at any time. */
  private post(packet: ReadPacket): ClientEvent {
    const event = new ClientEvent(this.contentsOf(packet), this.eventFailed);
    this.connector.send(event);
    return event;
  }

  private readonly eventFailed = ({ contents: { route } }: ClientEvent, failure: ZmqException): void => {
    this.log.warn('event', () => `An event for '${route}' was not sent: ${failure.code}, ${failure.message}`);
    this.tell('eventFailed', route, failure);
  };

  /** A listener that throws must not stop what led to the event, such as the making of a connection. */
  private tell<E extends keyof ZmqClientEvents>(event: E, ...args: Parameters<ZmqClientEvents[E]>): void {
    try {
      this.emitter.emit(event, ...args);
    } catch (error) {
      this.logger.error(`A listener of '${event}' failed: ${textOf(error)}`);
    }
  }

  private contentsOf(packet: ReadPacket): Contents {
    const { pattern } = packet;
    const route = typeof pattern === 'string' ? pattern : this.normalizePattern(pattern as string);
    return contentsOf(packet, route, this.options.encoding);
  }

  private createSession(endpoint: string, listener: ConstructorParameters<typeof ClientSession>[0]['listener']) {
    const { options } = this;
    const { maxMessageSize, maxDepth, maxTokens } = options.limits;
    return new ClientSession({
      endpoint,
      options,
      listener,
      socket: createSocket(endpoint, options),
      limits: {
        maxMessageSize,
        maxDepth,
        maxTokens,
        maxBatchPackets: MAX_WIRE_BATCH,
        maxPatternLength: MAX_WIRE_TEXT,
        maxMetadataSize: MAX_WIRE_TEXT,
        maxNumberLength: MAX_NUMBER_LENGTH,
      },
      serializer: options.serializer,
      deserializer: options.deserializer,
      counters: this.counters,
    });
  }
}

function createSocket(endpoint: string, options: ResolvedClientOptions): ClientSocket {
  const { engine, limits, socket, tls, curve, plain } = options;
  const common = { endpoint, maxMessageSize: limits.maxMessageSize, socket };
  if (endpoint.startsWith('tls:')) {
    return new GateClientSocket({ ...common, tls, plain });
  }
  if (endpoint.startsWith('inproc:')) {
    return new DealerSocket(common);
  }
  return engine === 'gate' && curve === undefined && endpoint.startsWith('tcp:')
    ? new GateClientSocket({ ...common, plain })
    : new DealerSocket({ ...common, curve, plain });
}

function settingsOf(record: ZmqRecord | undefined, usual: RequestSettings): RequestSettings {
  return record?.retry === undefined ? usual : { ...usual, retry: policyOfCall(record.retry, usual.retry) };
}

/** The timeout for a request, cut to what is left to the handler that makes it. */
function withinDeadline(timeout: number): number {
  const deadline = inheritedDeadline();
  if (deadline === undefined) {
    return timeout;
  }
  const left = deadline - Date.now();
  if (left <= 0) {
    throw new ZmqException('DEADLINE_EXCEEDED', 'The deadline of the handler that makes this request has passed.');
  }
  return timeout === 0 ? left : Math.min(timeout, left);
}

function isNil(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}
