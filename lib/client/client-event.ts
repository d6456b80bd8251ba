import type { ZmqException } from '../errors/zmq.exception.js';
import type { Contents, Parcel } from './client-request.js';
import type { ClientSession } from './client-session.js';

/** One event of the application until it has left. */
export class ClientEvent implements Parcel {
  parkedAt = 0;
  private done = false;

  constructor(
    readonly contents: Contents,
    /** Told once the event has been handed to the socket, or why it will not be. */
    private readonly onSettled: (event: ClientEvent, failure: ZmqException | undefined) => void,
  ) {}

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
      this.onSettled(this, failure);
    }
  }
}
