import type { Deserializer, Serializer } from '@nestjs/microservices';
import { fromErrorObject } from '../errors/remote-error.js';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ResolvedClientOptions } from '../options/client-options.js';
import type { ClientSocket, LossCode } from '../socket/client-socket.js';
import { BatchCursor } from '../wire/batch-cursor.js';
import { Malformed } from '../wire/malformed.js';
import { PacketKind, type IncomingPacket } from '../wire/packet.js';
import { decodePacketPayload, encodePayload } from '../wire/payload-codec.js';
import type { WireLimits } from '../wire/wire-limits.js';
import type { ClientEvent } from './client-event.js';
import type { ClientCounters } from '../monitoring/client-counters.js';
import { ClientOutbox } from './client-outbox.js';
import type { ClientRequest, Parcel } from './client-request.js';
import { Liveness } from './liveness.js';
import { deliverDeserialized } from './reply-deserialization.js';
import { Signing } from './signing.js';
import { readWelcome, WELCOME_LIMITS } from './welcome.js';

const MAX_ID = 0xffff_ffff;

export interface ClientSessionListener {
  /** The server has answered the hello. */
  ready(): void;
  /** The server drains; nothing new should be sent to it. `returned` has not left and should go elsewhere. */
  draining(returned: readonly Parcel[]): void;
  /** A request that the server has not begun should go elsewhere. */
  bounced(parcel: Parcel): void;
  /** The session has ended by itself. `returned` has not left. Called once at most. */
  lost(reason: string, returned: readonly Parcel[], code?: LossCode): void;
}

export interface ClientSessionFields {
  readonly endpoint: string;
  readonly options: ResolvedClientOptions;
  readonly socket: ClientSocket;
  readonly limits: WireLimits;
  readonly serializer: Serializer | undefined;
  readonly deserializer: Deserializer | undefined;
  readonly counters: ClientCounters;
  readonly listener: ClientSessionListener;
}

/** One session with one server, from hello to its end. */
export class ClientSession {
  private readonly pending = new Map<number, ClientRequest>();
  private readonly outbox: ClientOutbox;
  private readonly liveness: Liveness;
  private welcomed = false;
  private nextId = 1;
  private ended = false;
  private isDraining = false;

  constructor(private readonly fields: ClientSessionFields) {
    const { endpoint, socket, options, serializer, counters } = fields;
    const { heartbeat, limits, signing } = options;
    this.liveness = new Liveness({
      ...heartbeat,
      onQuiet: () => this.ping(),
      onDead: () => this.lose(`the server gave no sign of life for ${heartbeat.timeout} ms`),
    });
    this.outbox = new ClientOutbox({
      endpoint,
      serializer,
      signing: signing && new Signing(signing),
      counters,
      maxPackets: limits.outboxMessages,
      maxBytes: limits.outboxSize,
      send: frames => socket.send(frames),
      onSent: () => this.liveness.sent(),
      onGone: () => this.lose('the connection was closed'),
    });
  }

  /** Requests that have no last answer yet. */
  get outstanding(): number {
    return this.pending.size;
  }

  /** What waits to be sent. */
  get queue(): Pick<ClientOutbox, 'packets' | 'bytes' | 'peakBytes'> {
    return this.outbox;
  }

  get idle(): boolean {
    return this.pending.size === 0 && this.outbox.idle;
  }

  unwrap(): unknown {
    return this.fields.socket.unwrap();
  }

  open(): void {
    const { socket, options } = this.fields;
    const { maxMessageSize } = options.limits;
    const proof = socket.helloProof?.();
    const hello = { version: 1, limits: { maxMessageSize }, ...(proof !== undefined && { proof }) };
    this.outbox.control(PacketKind.Hello, 0, encodePayload(hello, 'json'));
    this.liveness.start();
    // May lose the session at once, which ends the watch on it.
    socket.open({
      message: frames => this.message(frames),
      lost: (reason, code) => this.lose(reason, code),
    });
  }

  sendRequest(request: ClientRequest): void {
    const id = this.takeId();
    const packet = this.outbox.post(request, id);
    if (packet !== undefined) {
      request.id = id;
      request.session = this;
      request.packet = packet;
      this.pending.set(id, request);
    }
  }

  sendEvent(event: ClientEvent): void {
    this.outbox.post(event, 0);
  }

  /** Takes a settled request off the books. */
  forget(request: ClientRequest): void {
    this.pending.delete(request.id);
  }

  /** Parts with a request that goes on by another way, or later. */
  unload(request: ClientRequest): void {
    this.pending.delete(request.id);
    if (request.packet !== undefined) {
      request.packet.cancelled = true;
    }
    request.session = undefined;
    request.packet = undefined;
    request.deserializing = undefined;
  }

  /** Stops a request at the server, or before it leaves. */
  cancel({ id, packet }: ClientRequest): void {
    if (packet === undefined || this.ended) {
      return;
    }
    if (packet.sent) {
      this.outbox.control(PacketKind.Cancel, id);
    } else {
      packet.cancelled = true;
    }
  }

  /** Asks for more values of a stream. */
  grant(id: number, amount: number): void {
    this.outbox.credit(id, amount);
  }

  /** Ends the session for good: what waits leaves within `linger` ms, requests without an answer fail. */
  async close(reason: ZmqException, linger: number): Promise<void> {
    if (this.ended) {
      return;
    }
    for (const request of this.pending.values()) {
      request.fail(reason);
    }
    this.outbox.flush();
    const until = performance.now() + linger;
    while (!this.ended && !this.outbox.idle && performance.now() < until) {
      await new Promise(resolve => setTimeout(resolve, 1));
    }
    if (!this.ended) {
      this.end(linger);
      this.outbox.close();
    }
  }

  /** Ends a session that does not come about. */
  abandon(reason: string): void {
    this.lose(reason);
  }

  private message(frames: Buffer[]): void {
    this.liveness.heard();
    const cursor = new BatchCursor(frames, this.fields.limits);
    for (let packet = cursor.next(); packet !== undefined && !this.ended; packet = cursor.next()) {
      if (packet instanceof Malformed) {
        this.lose(`the server sent a malformed message: ${packet.reason}`);
      } else {
        this.handle(packet);
      }
    }
  }

  private handle(packet: IncomingPacket): void {
    switch (packet.kind) {
      case PacketKind.Response:
      case PacketKind.Complete:
      case PacketKind.Error:
        this.answer(packet);
        return;
      case PacketKind.Credit:
        this.outbox.eventsHandled(packet.amount);
        return;
      case PacketKind.Goaway:
        this.goaway(packet.id);
        return;
      case PacketKind.Ping:
        this.outbox.control(PacketKind.Pong, packet.id);
        return;
      case PacketKind.Pong:
        return;
      case PacketKind.Welcome:
        this.begin(packet);
        return;
      case PacketKind.Hello:
      case PacketKind.Request:
      case PacketKind.Event:
      case PacketKind.Cancel:
        this.lose('the server sent a packet that only a client sends');
        return;
      default:
        packet.kind satisfies never;
    }
  }

  private begin(packet: IncomingPacket): void {
    const value = decodePacketPayload(packet, { ...this.fields.limits, ...WELCOME_LIMITS });
    const welcome = value instanceof Malformed ? undefined : readWelcome(value);
    if (welcome === undefined) {
      this.lose('the server sent an unusable welcome');
      return;
    }
    // A later one tells that limits have been changed.
    const isFirst = !this.welcomed;
    this.welcomed = true;
    this.outbox.adopt(welcome);
    if (isFirst) {
      this.fields.listener.ready();
    }
  }

  private answer(packet: IncomingPacket): void {
    const { kind, id, last } = packet;
    const request = this.pending.get(id);
    if (request === undefined && id !== 0) {
      // Answers may cross with a cancel or a deadline.
      return;
    }
    const value = decodePacketPayload(packet, this.fields.limits);
    if (request === undefined) {
      const { code, message } = fromErrorObject(value instanceof Malformed ? undefined : value);
      this.lose(`the server ended the session: ${message}`, code === 'UNAUTHENTICATED' ? code : undefined);
    } else if (value instanceof Malformed) {
      request.reject(new ZmqException('MALFORMED', `Malformed response: ${value.reason}.`));
    } else if (this.fields.deserializer !== undefined) {
      deliverDeserialized(this.fields.deserializer, request, { kind, value, last });
    } else if (kind === PacketKind.Response) {
      request.deliver(value, last);
    } else if (kind === PacketKind.Complete) {
      request.complete();
    } else {
      request.refused(fromErrorObject(value), 'server');
    }
  }

  private goaway(id: number): void {
    if (id !== 0) {
      const request = this.pending.get(id);
      if (request !== undefined) {
        this.unload(request);
        this.fields.listener.bounced(request);
      }
      return;
    }
    if (!this.welcomed) {
      this.lose('the server is shutting down');
      return;
    }
    if (!this.isDraining) {
      this.isDraining = true;
      const returned = this.takeBack();
      this.outbox.control(PacketKind.Goaway, 0);
      this.fields.listener.draining(returned);
    }
  }

  /** Takes back what has not left. */
  private takeBack(): Parcel[] {
    const requests = [...this.pending.values()].filter(({ packet }) => packet?.sent === false);
    for (const request of requests) {
      this.unload(request);
    }
    return [...requests, ...this.outbox.takeBackEvents({ keepControl: !this.ended })];
  }

  private takeId(): number {
    let id = this.nextId;
    while (this.pending.has(id)) {
      id = id === MAX_ID ? 1 : id + 1;
    }
    this.nextId = id === MAX_ID ? 1 : id + 1;
    return id;
  }

  private ping(): void {
    if (this.welcomed && this.outbox.idle) {
      this.outbox.control(PacketKind.Ping, 0);
    }
  }

  private lose(reason: string, code?: LossCode): void {
    if (this.ended) {
      return;
    }
    const returned = this.takeBack();
    this.end(0);
    this.outbox.close();
    const error = new ZmqException('DISCONNECTED', `The connection to ${this.fields.endpoint} was lost: ${reason}.`);
    for (const request of this.pending.values()) {
      request.fail(error);
    }
    this.fields.listener.lost(reason, returned, code);
  }

  private end(linger: number): void {
    this.ended = true;
    this.liveness.stop();
    this.fields.socket.close(linger);
  }
}
