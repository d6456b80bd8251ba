import type { WritePacket } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import type { ZmqEncoding } from '../options/client-options.js';
import { QueuedPacket } from '../socket/queued-packet.js';
import { PacketKind, type EncodedPayload } from '../wire/packet.js';
import type { ClientSession } from './client-session.js';

/** What the application wants sent, its record unpacked. */
export interface Contents {
  readonly route: string;
  readonly data: unknown;
  /** JSON text, `''` for none. */
  readonly metadata: string;
  readonly encoding: ZmqEncoding;
}

/** What is to be sent to any one of the endpoints: a request or an event. */
export interface Parcel {
  readonly contents: Contents;
  /** When it began to wait for a connection, if it does. */
  parkedAt: number;
  /** Bytes that it holds meanwhile. */
  parkedSize: number;
  readonly settled: boolean;
  sendThrough(session: ClientSession): void;
  fail(error: ZmqException): void;
}

/** How the values of a stream are asked for. */
export interface StreamSettings {
  /** Values that the server may send ahead; 0 for any number. */
  readonly window: number;
  /** Whether a value counts as consumed as soon as it is delivered. */
  readonly autoCredit: boolean;
}

/** What requests need of the client that makes them. */
export interface RequestOwner {
  readonly wheel: DeadlineWheel;
  /** A request has settled: nothing more will be delivered. */
  requestSettled(): void;
}

/** One request of the application until it settles, which it does exactly once: by its last answer, an error, or a cancel. */
export class ClientRequest extends Expiring implements Parcel {
  parkedAt = 0;
  parkedSize = 0;
  /** Given by the session that carries the request. */
  id = 0;
  session: ClientSession | undefined = undefined;
  packet: QueuedPacket | undefined = undefined;
  /** The last asynchronous deserialization, which the next answer has to wait for. */
  deserializing: Promise<void> | undefined = undefined;
  private done = false;
  private unacknowledged = 0;

  constructor(
    readonly contents: Contents,
    /** Milliseconds until the first answer; 0 for no limit. */
    private readonly timeout: number,
    readonly settings: StreamSettings,
    private readonly owner: RequestOwner,
    private readonly callback: (packet: WritePacket) => void,
  ) {
    super();
    if (timeout > 0) {
      owner.wheel.add(this, timeout);
    }
  }

  get settled(): boolean {
    return this.done;
  }

  /** Milliseconds left for the first answer, at least 1; 0 for no limit. */
  get timeLeft(): number {
    if (this.timeout === 0 || this.parkedAt === 0) {
      return Math.ceil(this.timeout);
    }
    return Math.max(1, Math.ceil(this.expiresAt - performance.now()));
  }

  sendThrough(session: ClientSession): void {
    session.sendRequest(this);
  }

  /** A value has come; `last` if it is the only one or the end of a stream. */
  deliver(value: unknown, last: boolean): void {
    if (this.done) {
      return;
    }
    this.owner.wheel.remove(this);
    if (last) {
      this.settle();
      this.callback({ response: value, isDisposed: true });
      return;
    }
    this.callback({ response: value });
    if (this.settings.autoCredit) {
      this.consumed();
    }
  }

  /** A value of the stream has been used: lets the server send more, in steps of half a window. */
  consumed(): void {
    const { window } = this.settings;
    if (window > 0 && !this.done && ++this.unacknowledged * 2 >= window) {
      this.session?.grant(this.id, this.unacknowledged);
      this.unacknowledged = 0;
    }
  }

  complete(): void {
    if (!this.done) {
      this.settle();
      this.callback({ isDisposed: true });
    }
  }

  fail(error: unknown): void {
    if (!this.done) {
      this.settle();
      // An error that is nothing would pass for success.
      this.callback({
        err: error ?? new ZmqException('INTERNAL', 'The request failed without an error.'),
        isDisposed: true,
      });
    }
  }

  /** The application does not want the answer any more. */
  cancel(): void {
    if (!this.done) {
      const { session } = this;
      this.settle();
      session?.cancel(this);
    }
  }

  /** The answer cannot be used, and no other will be. */
  reject(error: ZmqException): void {
    const { session } = this;
    this.fail(error);
    session?.cancel(this);
  }

  override expire(): void {
    const { timeout } = this;
    this.reject(
      new ZmqException('DEADLINE_EXCEEDED', `No answer to '${this.contents.route}' within ${Math.round(timeout)} ms.`, {
        details: { timeout },
      }),
    );
  }

  private settle(): void {
    this.done = true;
    this.owner.wheel.remove(this);
    this.session?.forget(this);
    this.session = undefined;
    this.owner.requestSettled();
  }
}

/** A request in an outbox. */
export class RequestPacket extends QueuedPacket {
  constructor(
    readonly request: ClientRequest,
    id: number,
    payload: EncodedPayload,
  ) {
    super(PacketKind.Request, id, payload);
  }

  override settle(failure: ZmqException | undefined): void {
    if (failure !== undefined) {
      this.request.fail(failure);
    }
  }
}
