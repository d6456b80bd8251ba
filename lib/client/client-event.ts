import type { Subscriber } from 'rxjs';
import type { ZmqException } from '../errors/zmq.exception.js';
import { PacketKind, type EncodedPayload } from '../wire/packet.js';
import type { Parcel } from './client-request.js';
import type { ClientSession } from './client-session.js';
import type { Contents } from './contents.js';
import { ParcelPacket } from './parcel-packet.js';

/** One event of the application until it has left. */
export class ClientEvent implements Parcel {
  parkedAt = 0;
  parkedSize = 0;
  private hasLeft = false;
  private failure: ZmqException | undefined = undefined;
  private observers: Subscriber<unknown>[] | undefined = undefined;

  constructor(
    readonly contents: Contents,
    /** Told when the event will not be sent. */
    private readonly onFailed: (event: ClientEvent, failure: ZmqException) => void,
  ) {}

  get settled(): boolean {
    return this.hasLeft || this.failure !== undefined;
  }

  /** Tells the outcome to a subscriber of the application, now or once it is known. */
  observe(observer: Subscriber<unknown>): void {
    if (this.settled) {
      this.tell(observer);
    } else {
      (this.observers ??= []).push(observer);
    }
  }

  sendThrough(session: ClientSession): void {
    session.sendEvent(this);
  }

  left(): void {
    if (!this.settled) {
      this.hasLeft = true;
      this.tellAll();
    }
  }

  fail(error: ZmqException): void {
    if (!this.settled) {
      this.failure = error;
      this.onFailed(this, error);
      this.tellAll();
    }
  }

  /** Events are not sent again. */
  refused(error: ZmqException): void {
    this.fail(error);
  }

  private tellAll(): void {
    const { observers } = this;
    this.observers = undefined;
    if (observers !== undefined) {
      for (const observer of observers) {
        this.tell(observer);
      }
    }
  }

  private tell(observer: Subscriber<unknown>): void {
    if (this.failure === undefined) {
      // One value, as Nest's own transports give it: `lastValueFrom(client.emit(…))` resolves.
      observer.next(undefined);
      observer.complete();
    } else {
      observer.error(this.failure);
    }
  }
}

/** An event in an outbox. */
export class EventPacket extends ParcelPacket {
  constructor(
    readonly event: ClientEvent,
    payload: EncodedPayload,
  ) {
    super(PacketKind.Event, 0, payload);
  }

  override settle(failure: ZmqException | undefined): void {
    if (failure === undefined) {
      this.event.left();
    } else {
      this.event.fail(failure);
    }
  }
}
