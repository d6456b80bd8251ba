import type { Deserializer, Serializer } from '@nestjs/microservices';
import { fromErrorObject } from '../errors/remote-error.js';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ResolvedClientOptions } from '../options/client-options.js';
import type { ClientSocket } from '../socket/client-socket.js';
import { Outbox, type MessageEncoder } from '../socket/outbox.js';
import { QueuedPacket } from '../socket/queued-packet.js';
import { BatchCursor } from '../wire/batch-cursor.js';
import { BatchEncoder, type EncodedBatch } from '../wire/batch-encoder.js';
import { Malformed } from '../wire/malformed.js';
import { PacketKind, type IncomingPacket } from '../wire/packet.js';
import { decodePacketPayload, encodePayload } from '../wire/payload-codec.js';
import type { WireLimits } from '../wire/wire-limits.js';
import { ClientEvent, EventPacket } from './client-event.js';
import type { ClientRequest, Parcel } from './client-request.js';
import { assertSendable, payloadOf, type Letter } from './letter.js';
import { readWelcome, type Welcome } from './welcome.js';

/** Bytes of a batch beyond which more requests go into the next one. */
const MAX_BATCH_BYTES = 64 * 1024;
const MAX_BATCH_PACKETS = 1_024;
const DETACH_FROM_BYTES = 16 * 1024;
/** What an event counts for in the flow control beside its payload, in bytes; the server counts the same. */
const EVENT_OVERHEAD = 256;
const MAX_ID = 0xffff_ffff;

export interface ClientSessionListener {
  /** The server has answered the hello. */
  ready(): void;
  /** The server drains; nothing new should be sent to it. `returned` has not left and should go elsewhere. */
  draining(returned: readonly Parcel[]): void;
  /** A request that the server has not begun should go elsewhere. */
  bounced(parcel: Parcel): void;
  /** The session has ended by itself. `returned` has not left. Called once at most. */
  lost(reason: string, returned: readonly Parcel[]): void;
}

export interface ClientSessionFields {
  readonly endpoint: string;
  readonly options: ResolvedClientOptions;
  readonly socket: ClientSocket;
  readonly limits: WireLimits;
  readonly serializer: Serializer | undefined;
  readonly deserializer: Deserializer | undefined;
  readonly listener: ClientSessionListener;
}

/** One session with one server, from hello to its end. */
export class ClientSession implements MessageEncoder {
  private readonly pending = new Map<number, ClientRequest>();
  private readonly outbox: Outbox;
  private encoder = batchEncoder(1);
  private welcome: Welcome | undefined;
  private eventWindow = 0;
  private nextId = 1;
  private lastHeard = performance.now();
  private lastSent = performance.now();
  private lastBeat = performance.now();
  private heartbeat: NodeJS.Timeout | undefined;
  private ended = false;
  private isDraining = false;

  constructor(private readonly fields: ClientSessionFields) {
    const { socket, options } = fields;
    this.outbox = new Outbox({
      encoder: this,
      send: frames => socket.send(frames),
      maxPackets: options.limits.outboxMessages,
      maxBytes: options.limits.outboxSize,
      admit: packet => packet.kind !== PacketKind.Event || this.admitEvent(packet),
      onSent: () => {
        this.lastSent = performance.now();
      },
      onGone: () => this.lose('the connection was closed'),
    });
  }

  encode(queue: readonly QueuedPacket[], from: number): EncodedBatch {
    return this.encoder.encode(queue, from);
  }

  /** Requests that have no last answer yet. */
  get outstanding(): number {
    return this.pending.size;
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
    this.outbox.push(
      new QueuedPacket(PacketKind.Hello, 0, encodePayload({ version: 1, limits: { maxMessageSize } }, 'json')),
    );
    this.heartbeat = setInterval(() => this.beat(), options.heartbeat.interval);
    this.heartbeat.unref();
    // May lose the session at once, which ends the heartbeat.
    socket.open({
      message: frames => this.message(frames),
      lost: reason => this.lose(reason),
    });
  }

  sendRequest(request: ClientRequest): void {
    const id = this.takeId();
    const packet = this.pack(request, id);
    if (packet === undefined) {
      return;
    }
    packet.timeoutMs = request.timeLeft;
    packet.window = request.settings.window;
    request.id = id;
    request.session = this;
    request.packet = packet;
    this.pending.set(id, request);
    this.outbox.push(packet);
  }

  sendEvent(event: ClientEvent): void {
    const packet = this.pack(event);
    if (packet !== undefined) {
      this.outbox.push(packet);
    }
  }

  /** Takes a settled request off the books. */
  forget(request: ClientRequest): void {
    this.pending.delete(request.id);
  }

  /** Stops a request at the server, or before it leaves. */
  cancel({ id, packet }: ClientRequest): void {
    if (packet === undefined || this.ended) {
      return;
    }
    if (packet.sent) {
      this.outbox.push(new QueuedPacket(PacketKind.Cancel, id));
    } else {
      packet.cancelled = true;
    }
  }

  grant(id: number, amount: number): void {
    const packet = new QueuedPacket(PacketKind.Credit, id);
    packet.amount = amount;
    this.outbox.push(packet);
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
    this.lastHeard = performance.now();
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
        this.eventWindow += packet.amount;
        this.outbox.flush();
        return;
      case PacketKind.Goaway:
        this.goaway(packet.id);
        return;
      case PacketKind.Ping:
        this.outbox.push(new QueuedPacket(PacketKind.Pong, packet.id));
        return;
      case PacketKind.Pong:
        return;
      case PacketKind.Welcome:
        this.welcomed(packet);
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

  private welcomed(packet: IncomingPacket): void {
    const value = decodePacketPayload(packet, this.fields.limits);
    const welcome = value instanceof Malformed ? undefined : readWelcome(value);
    if (welcome === undefined || this.welcome !== undefined) {
      this.lose('the server sent an unusable welcome');
      return;
    }
    this.welcome = welcome;
    this.encoder = batchEncoder(welcome.limits.maxBatchPackets);
    this.eventWindow = welcome.limits.eventWindow;
    this.fields.listener.ready();
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
      const { message } = fromErrorObject(value instanceof Malformed ? undefined : value);
      this.lose(`the server ended the session: ${message}`);
    } else if (value instanceof Malformed) {
      request.reject(new ZmqException('MALFORMED', `Malformed response: ${value.reason}.`));
    } else if (this.fields.deserializer !== undefined) {
      this.deserialize(this.fields.deserializer, request, { kind, value, last });
    } else if (kind === PacketKind.Response) {
      request.deliver(value, last);
    } else if (kind === PacketKind.Complete) {
      request.complete();
    } else {
      request.fail(fromErrorObject(value));
    }
  }

  /** A deserializer of the user's own sees Nest's packets, and may take its time. */
  private deserialize(
    deserializer: Deserializer,
    request: ClientRequest,
    { kind, value, last }: { kind: PacketKind; value: unknown; last: boolean },
  ): void {
    const isError = kind === PacketKind.Error;
    const isDisposed = isError || last || kind === PacketKind.Complete;
    const incoming = {
      id: String(request.id),
      ...(kind === PacketKind.Response && { response: value }),
      ...(isError && { err: fromErrorObject(value) }),
      ...(isDisposed && { isDisposed }),
    };
    const deliver = (output: unknown) => {
      const { err, response } = (output ?? {}) as { err?: unknown; response?: unknown };
      if (err !== undefined && err !== null) {
        request.fail(err);
      } else if (isDisposed && response === undefined) {
        request.complete();
      } else {
        request.deliver(response, isDisposed);
      }
    };
    try {
      const output: unknown = deserializer.deserialize(incoming);
      if (request.deserializing === undefined && !(output instanceof Promise)) {
        deliver(output);
        return;
      }
      const before = request.deserializing ?? Promise.resolve();
      request.deserializing = before
        .then(async () => deliver(await output))
        .catch((error: unknown) => request.fail(error));
    } catch (error) {
      request.fail(error);
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
    if (this.welcome === undefined) {
      this.lose('the server is shutting down');
      return;
    }
    if (!this.isDraining) {
      this.isDraining = true;
      const returned = this.takeBack();
      this.outbox.push(new QueuedPacket(PacketKind.Goaway, 0));
      this.fields.listener.draining(returned);
    }
  }

  /** Takes back what has not left. */
  private takeBack(): Parcel[] {
    const returned: Parcel[] = [];
    for (const request of this.pending.values()) {
      if (request.packet?.sent === false) {
        returned.push(request);
      }
    }
    for (const request of returned as ClientRequest[]) {
      this.unload(request);
    }
    for (const packet of this.outbox.drain()) {
      if (packet instanceof EventPacket && !packet.sent) {
        returned.push(packet.event);
      } else if (packet.kind !== PacketKind.Request && !this.ended) {
        // Cancels and credits still concern what is under way here.
        this.outbox.push(packet);
      }
    }
    return returned;
  }

  private unload(request: ClientRequest): void {
    this.pending.delete(request.id);
    request.session = undefined;
    request.packet = undefined;
  }

  /** Whether the server's window has room for an event, which is taken up at once: a batch may hold many events. */
  private admitEvent(packet: QueuedPacket): boolean {
    if (!packet.admitted && this.eventWindow > 0) {
      packet.admitted = true;
      this.eventWindow -= packet.payload.maxSize + EVENT_OVERHEAD;
    }
    return packet.admitted;
  }

  /** Makes the packet for a request or event, or fails it where it stands. */
  private pack(parcel: ClientRequest | ClientEvent, id = 0): QueuedPacket | undefined {
    try {
      const { contents } = parcel;
      const { serializer } = this.fields;
      const letter: Letter = serializer === undefined ? contents : payloadOf(serializer, id, contents);
      const payload = encodePayload(letter.data, contents.encoding);
      const packet =
        parcel instanceof ClientEvent
          ? new EventPacket(parcel, payload)
          : new QueuedPacket(PacketKind.Request, id, payload);
      packet.pattern = letter.route;
      packet.metadata = letter.metadata;
      assertSendable(packet, this.welcome);
      if (!this.outbox.hasRoom(packet.charge)) {
        throw new ZmqException('BACKPRESSURE', `Too much waits to be sent to ${this.fields.endpoint}.`, {
          details: { messages: this.outbox.length, bytes: this.outbox.bytes },
        });
      }
      return packet;
    } catch (error) {
      parcel.fail(
        error instanceof ZmqException ? error : new ZmqException('INTERNAL', String(error), { cause: error }),
      );
      return undefined;
    }
  }

  private takeId(): number {
    let id = this.nextId;
    while (this.pending.has(id)) {
      id = id === MAX_ID ? 1 : id + 1;
    }
    this.nextId = id === MAX_ID ? 1 : id + 1;
    return id;
  }

  private beat(): void {
    const { interval, timeout } = this.fields.options.heartbeat;
    const now = performance.now();
    const heldUp = now - this.lastBeat > 2 * interval;
    this.lastBeat = now;
    // What the server has said may be waiting unread when this process itself was held up.
    if (!heldUp && now - this.lastHeard > timeout) {
      this.lose(`the server gave no sign of life for ${timeout} ms`);
    } else if (this.welcome !== undefined && now - this.lastSent > interval / 2 && this.outbox.idle) {
      this.outbox.push(new QueuedPacket(PacketKind.Ping, 0));
    }
  }

  private lose(reason: string): void {
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
    this.fields.listener.lost(reason, returned);
  }

  private end(linger: number): void {
    this.ended = true;
    clearInterval(this.heartbeat);
    this.fields.socket.close(linger);
  }
}

/** An encoder that keeps to what the server takes in a batch. */
function batchEncoder(maxBatchPackets: number): BatchEncoder {
  return new BatchEncoder({
    maxBytes: MAX_BATCH_BYTES,
    maxPackets: Math.min(MAX_BATCH_PACKETS, maxBatchPackets),
    detachFrom: DETACH_FROM_BYTES,
  });
}
