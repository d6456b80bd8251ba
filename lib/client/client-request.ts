import type { WritePacket } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import type { ZmqEncoding } from '../options/client-options.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import type { ClientSession } from './client-session.js';

/** What is to be sent to any one of the endpoints: a request or an event. */
export interface Parcel {
  readonly route: string;
  readonly data: unknown;
  /** JSON text, `''` for none. */
  readonly metadata: string;
  readonly encoding: ZmqEncoding;
  /** When it began to wait for a connection, if it does. */
  parkedAt: number;
  readonly settled: boolean;
  sendThrough(session: ClientSession): void;
  fail(error: ZmqException): void;
}

export interface ClientRequestFields {
  readonly route: string;
  readonly data: unknown;
  readonly metadata: string;
  readonly encoding: ZmqEncoding;
  /** Milliseconds until the first answer; 0 for no limit. */
  readonly timeout: number;
  /** Values that the server may send ahead; 0 for any number. */
  readonly window: number;
  /** Whether a value counts as consumed as soon as it is delivered. */
  readonly autoCredit: boolean;
  readonly callback: (packet: WritePacket) => void;
  readonly wheel: DeadlineWheel;
  /** The request has settled: nothing more will be delivered. */
  readonly onSettled: () => void;
}

/** One request of the application until it settles, which it does exactly once: by its last answer, an error, or a cancel. */
export class ClientRequest extends Expiring implements Parcel {
  readonly route: string;
  readonly data: unknown;
  readonly metadata: string;
  readonly encoding: ZmqEncoding;
  parkedAt = 0;
  /** Given by the session that carries the request. */
  id = 0;
  session: ClientSession | undefined = undefined;
  packet: QueuedPacket | undefined = undefined;
  /** The last asynchronous deserialization, which the next answer has to wait for. */
  deserializing: Promise<void> | undefined = undefined;
  private done = false;
  private unacknowledged = 0;
  private readonly startedAt = performance.now();

  constructor(readonly fields: ClientRequestFields) {
    super();
    this.route = fields.route;
    this.data = fields.data;
    this.metadata = fields.metadata;
    this.encoding = fields.encoding;
    if (fields.timeout > 0) {
      fields.wheel.add(this, fields.timeout);
    }
  }

  get settled(): boolean {
    return this.done;
  }

  /** Milliseconds left for the first answer, at least 1; 0 for no limit. */
  get timeLeft(): number {
    const { timeout } = this.fields;
    return timeout === 0 ? 0 : Math.max(1, Math.ceil(timeout - (performance.now() - this.startedAt)));
  }

  sendThrough(session: ClientSession): void {
    session.sendRequest(this);
  }

  /** A value has come; `last` if it is the only one or the end of a stream. */
  deliver(value: unknown, last: boolean): void {
    if (this.done) {
      return;
    }
    this.fields.wheel.remove(this);
    if (last) {
      this.settle();
      this.fields.callback({ response: value, isDisposed: true });
      return;
    }
    this.fields.callback({ response: value });
    if (this.fields.autoCredit) {
      this.consumed();
    }
  }

  /** A value of the stream has been used: lets the server send more, in steps of half a window. */
  consumed(): void {
    const { window } = this.fields;
    if (window > 0 && !this.done && ++this.unacknowledged * 2 >= window) {
      this.session?.grant(this.id, this.unacknowledged);
      this.unacknowledged = 0;
    }
  }

  complete(): void {
    if (!this.done) {
      this.settle();
      this.fields.callback({ isDisposed: true });
    }
  }

  fail(error: unknown): void {
    if (!this.done) {
      this.settle();
      this.fields.callback({ err: error, isDisposed: true });
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

  override expire(): void {
    const { session } = this;
    const { timeout } = this.fields;
    this.fail(
      new ZmqException('DEADLINE_EXCEEDED', `No answer to '${this.route}' within ${Math.round(timeout)} ms.`, {
        details: { timeout },
      }),
    );
    session?.cancel(this);
  }

  private settle(): void {
    this.done = true;
    this.fields.wheel.remove(this);
    this.session?.forget(this);
    this.session = undefined;
    this.fields.onSettled();
  }
}
