import type { ZmqException } from '../errors/zmq.exception.js';
import type { ZmqEncoding } from '../options/client-options.js';
import type { Parcel } from './client-request.js';
import type { ClientSession } from './client-session.js';

export interface ClientEventFields {
  readonly route: string;
  readonly data: unknown;
  readonly metadata: string;
  readonly encoding: ZmqEncoding;
  /** Told once the event has been handed to the socket, or why it will not be. */
  readonly onSettled: (failure: ZmqException | undefined) => void;
}

/** One event of the application until it has left. */
export class ClientEvent implements Parcel {
  readonly route: string;
  readonly data: unknown;
  readonly metadata: string;
  readonly encoding: ZmqEncoding;
  parkedAt = 0;
  private done = false;

  constructor(private readonly fields: ClientEventFields) {
    this.route = fields.route;
    this.data = fields.data;
    this.metadata = fields.metadata;
    this.encoding = fields.encoding;
  }

  get settled(): boolean {
    return this.done;
  }

  sendThrough(session: ClientSession): void {
    session.sendEvent(this);
  }

  left(): void {
    this.settle(undefined);
  }

  fail(error: ZmqException): void {
    this.settle(error);
  }

  private settle(failure: ZmqException | undefined): void {
    if (!this.done) {
      this.done = true;
      this.fields.onSettled(failure);
    }
  }
}
