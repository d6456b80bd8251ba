import { ClientProxy, type PacketMetadata, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { Logger } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { lastValueFrom, Observable, throwError } from 'rxjs';
import { textOf } from '../errors/text-of.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { DeadlineWheel } from '../limits/deadline-wheel.js';
import { SampledLog } from '../monitoring/sampled-log.js';
import {
  resolveClientOptions,
  type ResolvedClientOptions,
  type ZmqClientOptions,
  type ZmqEncoding,
} from '../options/client-options.js';
import { ZmqStatus } from '../options/tokens.js';
import { inheritedDeadline, wantCallScope } from '../pipeline/call-scope.js';
import { DealerSocket } from '../socket/dealer-socket.js';
import { ZmqRecord } from '../wire/record.js';
import { ClientEvent } from './client-event.js';
import type { ZmqClientEvents } from './client-events.js';
import { ClientRequest, type Contents, type RequestOwner, type StreamSettings } from './client-request.js';
import { ClientSession } from './client-session.js';
import { Connector } from './connector.js';
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
  private readonly emitter = new EventEmitter();
  private readonly wheel = new DeadlineWheel();
  private readonly owner: RequestOwner = {
    wheel: this.wheel,
    requestSettled: () => {
      this.pendingRequests--;
    },
  };
  private readonly connector: Connector;
  private readonly settings: StreamSettings;
  private pendingRequests = 0;

  constructor(options?: ZmqClientOptions) {
    super();
    this.options = resolveClientOptions(options);
    this.settings = { window: this.options.streamWindow, autoCredit: true };
    if (this.options.inheritDeadline) {
      wantCallScope();
    }
    this._status$.next(ZmqStatus.DISCONNECTED);
    this.connector = new Connector({
      options: this.options,
      createSession: (endpoint, listener) => this.createSession(endpoint, listener),
      emit: (event, ...args) => this.tell(event, ...args),
      onStatus: status => this._status$.next(status),
    });
  }

  // Nest's `customClass` wants a plain `ClientProxy`, so the narrower type of the status is told here.
  override get status(): Observable<ZmqStatus> {
    return super.status as Observable<ZmqStatus>;
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
    return this.connector.close();
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
        request = this.request(this.createPacket(pattern, data), observe, { window, autoCredit: false });
      },
      onTaken: () => request?.consumed(),
      onReturn: () => request?.cancel(),
    });
    return queue;
  }

  override on<E extends keyof ZmqClientEvents>(event: E, callback: ZmqClientEvents[E]): void {
    this.emitter.on(event, callback);
  }

  /** The `Dealer` socket of the package `zeromq`, or an array of them with several endpoints. */
  override unwrap<T>(): T {
    const sockets = this.connector.sockets;
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
    settings: StreamSettings,
  ): ClientRequest | undefined {
    const { limits, inheritDeadline, timeout: usual } = this.options;
    try {
      if (this.pendingRequests >= limits.maxPending) {
        throw new ZmqException('BACKPRESSURE', `${limits.maxPending} requests are waiting for an answer already.`, {
          details: { limit: limits.maxPending },
        });
      }
      const own = packet.data instanceof ZmqRecord ? packet.data.timeout : undefined;
      const timeout = inheritDeadline ? withinDeadline(own ?? usual) : (own ?? usual);
      const request = new ClientRequest(this.contentsOf(packet), timeout, settings, this.owner, callback);
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

  private contentsOf({ pattern, data, metadata }: ReadPacket): Contents {
    const route = typeof pattern === 'string' ? pattern : this.normalizePattern(pattern as string);
    if (data instanceof ZmqRecord) {
      return recordContents(route, data, metadata, this.options.encoding);
    }
    return {
      route,
      data: data as unknown,
      metadata: metadataText(metadata),
      encoding: this.options.encoding,
    };
  }

  private createSession(endpoint: string, listener: ConstructorParameters<typeof ClientSession>[0]['listener']) {
    const { options } = this;
    const { maxMessageSize, maxDepth, maxTokens } = options.limits;
    return new ClientSession({
      endpoint,
      options,
      listener,
      socket: new DealerSocket({ endpoint, maxMessageSize, socket: options.socket }),
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
    });
  }
}

/** @throws {@link ZmqException} `MALFORMED` for what a dispatch hook may have put there. */
function metadataText(metadata: PacketMetadata | undefined): string {
  try {
    return metadata === undefined ? '' : JSON.stringify(metadata);
  } catch (cause) {
    throw new ZmqException('MALFORMED', 'The metadata cannot be encoded as JSON.', { cause });
  }
}

function recordContents(
  route: string,
  { data, metadata: own, encoding }: ZmqRecord,
  dispatched: PacketMetadata | undefined,
  usual: ZmqEncoding,
): Contents {
  const metadata = own === undefined ? dispatched : { ...own, ...dispatched };
  return {
    route,
    data,
    metadata: metadataText(metadata),
    encoding: encoding ?? usual,
  };
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
