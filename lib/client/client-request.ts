import type { WritePacket } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import type { Clock } from '../limits/clock.js';
import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import type { RetryPolicy } from '../options/retry-options.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import { PacketKind, type EncodedPayload } from '../wire/packet.js';
import type { ClientSession } from './client-session.js';
import type { Contents } from './contents.js';
import { ParcelPacket } from './parcel-packet.js';
import type { Retries } from './retries.js';
import { mayBeSentAgain, type RefusedBy } from './retry-policy.js';

/** What is to be sent to any one of the endpoints: a request or an event. */
export interface Parcel {
  readonly contents: Contents;
  /** When it began to wait for a connection, if it does. */
  parkedAt: number;
  /** Bytes that it holds meanwhile. */
  parkedSize: number;
  readonly settled: boolean;
  sendThrough(session: ClientSession): void;
  /** It cannot be sent, or there is no room for it now. */
  refused(error: ZmqException, by: RefusedBy): void;
  fail(error: ZmqException): void;
}

/** How a request is carried out. */
export interface RequestSettings {
  /** Values that the server may send ahead; 0 for any number. */
  readonly window: number;
  /** Whether a value counts as consumed as soon as it is delivered. */
  readonly autoCredit: boolean;
  /** How it is sent again after a refusal; `undefined` for never. */
  readonly retry: RetryPolicy | undefined;
}

/** What requests need of the client that makes them. */
export interface RequestOwner {
  readonly wheel: DeadlineWheel;
  /** That of the wheel. */
  readonly clock: Clock;
  readonly retries: Retries;
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
  /** Times that it was sent again, the one that it waits for included. */
  attempts = 0;
  /** Why it waits to be sent again, if it does. */
  private refusal: ZmqException | undefined = undefined;
  private hasValue = false;
  private done = false;
  private unacknowledged = 0;

  constructor(
    readonly contents: Contents,
    /** Milliseconds until the first answer; 0 for no limit. */
    private readonly timeout: number,
    readonly settings: RequestSettings,
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

  /** Milliseconds until the deadline, none or fewer if it has passed; infinite if there is none. */
  get timeLeft(): number {
    return this.timeout === 0 ? Number.POSITIVE_INFINITY : this.expiresAt - this.owner.clock.now();
  }

  /** What the server is told of it: whole milliseconds, at least 1; 0 for no limit. */
  get timeoutMs(): number {
    if (this.timeout === 0 || (this.parkedAt === 0 && this.attempts === 0)) {
      return Math.ceil(this.timeout);
    }
    return Math.max(1, Math.ceil(this.timeLeft));
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
    this.hasValue = true;
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

  /** An error has come in the place of an answer. It waits to be sent again if that is wanted and safe, and fails otherwise. */
  refused(error: unknown, by: RefusedBy): void {
    const { retry } = this.settings;
    const mayWait = retry !== undefined && !this.done && !this.hasValue && mayBeSentAgain(error, by);
    if (!mayWait || !this.owner.retries.add(this, retry, error)) {
      this.fail(error);
    }
  }

  /** Leaves its session until it is sent again; says for which time that will be. */
  awaitRetry(refusal: ZmqException): number {
    this.session?.unload(this);
    this.refusal = refusal;
    return ++this.attempts;
  }

  /** Is about to be sent again. */
  endRetryWait(): void {
    this.refusal = undefined;
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
    const { timeout, refusal } = this;
    if (refusal !== undefined) {
      // Nobody is working on it: why not says more than that the time is over.
      this.fail(refusal);
      return;
    }
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
    if (this.refusal !== undefined) {
      this.refusal = undefined;
      this.owner.retries.forget(this);
    }
    this.owner.requestSettled();
  }
}

/** A request in an outbox. */
export class RequestPacket extends ParcelPacket {
  constructor(
    readonly request: ClientRequest,
    id: number,
    payload: EncodedPayload,
  ) {
    super(PacketKind.Request, id, payload);
  }

  override settle(failure: ZmqException | undefined): void {
    // The message of a packet that its request has parted with may fail when the request is on its way again.
    if (failure !== undefined && !this.cancelled) {
      this.request.fail(failure);
    }
  }
}
