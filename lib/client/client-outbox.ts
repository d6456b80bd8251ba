import type { Serializer } from '@nestjs/microservices';
import { textOf } from '../errors/text-of.js';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ClientCounters } from '../monitoring/client-counters.js';
import { Outbox, type MessageEncoder } from '../socket/outbox.js';
import { QueuedPacket } from '../socket/queued-packet.js';
import type { SendOutcome } from '../socket/server-socket.js';
import { BatchEncoder, DETACH_FROM_BYTES, MAX_BATCH_BYTES, type EncodedBatch } from '../wire/batch-encoder.js';
import { EVENT_OVERHEAD, PacketKind, type EncodedPayload } from '../wire/packet.js';
import { encodePayload } from '../wire/payload-codec.js';
import { ClientEvent, EventPacket } from './client-event.js';
import { RequestPacket, type ClientRequest } from './client-request.js';
import { assertSendable, payloadOf, type Letter } from './letter.js';
import { ParcelPacket } from './parcel-packet.js';
import type { Signing } from './signing.js';
import type { Welcome } from './welcome.js';

const MAX_BATCH_PACKETS = 1_024;

export interface ClientOutboxFields {
  readonly endpoint: string;
  readonly maxPackets: number;
  readonly maxBytes: number;
  readonly serializer: Serializer | undefined;
  /** `undefined` where nothing is signed. */
  readonly signing: Signing | undefined;
  readonly counters: ClientCounters;
  readonly send: (frames: Buffer[]) => SendOutcome | Promise<SendOutcome>;
  readonly onSent: () => void;
  readonly onGone: () => void;
}

/** What waits to be sent in one session, kept to what the server takes. */
export class ClientOutbox implements MessageEncoder {
  private readonly outbox: Outbox;
  private encoder = batchEncoder(1);
  private welcome: Welcome | undefined;
  private eventWindow = 0;
  /** Of what has been signed for the next message. */
  private signedBytes = 0;

  constructor(private readonly fields: ClientOutboxFields) {
    const { signing } = fields;
    this.outbox = new Outbox({
      ...fields,
      encoder: this,
      admit: signing === undefined ? packet => this.admit(packet) : packet => this.admitSigned(packet, signing),
    });
  }

  get packets(): number {
    return this.outbox.length;
  }

  get bytes(): number {
    return this.outbox.bytes;
  }

  /** The most bytes that ever waited at a time. */
  get peakBytes(): number {
    return this.outbox.peakBytes;
  }

  get idle(): boolean {
    return this.outbox.idle;
  }

  get maxPackets(): number {
    return this.encoder.maxPackets;
  }

  encode(queue: readonly QueuedPacket[], from: number, until: number): EncodedBatch {
    this.signedBytes = 0;
    return this.encoder.encode(queue, from, until);
  }

  /** Keeps to the server's limits from now on. */
  adopt(welcome: Welcome): void {
    const { maxBatchPackets, eventWindow } = welcome.limits;
    const before = this.welcome;
    this.welcome = welcome;
    this.encoder = batchEncoder(maxBatchPackets);
    // What is on the way stays counted.
    this.eventWindow += eventWindow - (before?.limits.eventWindow ?? 0);
    if (before !== undefined) {
      this.outbox.flush();
    }
  }

  /** Queues a request or event and gives its packet, or refuses it. */
  post(parcel: ClientRequest | ClientEvent, id: number): QueuedPacket | undefined {
    try {
      const packet = this.pack(parcel, id);
      this.outbox.push(packet);
      return packet;
    } catch (error) {
      parcel.refused(
        error instanceof ZmqException ? error : new ZmqException('INTERNAL', textOf(error), { cause: error }),
        'client',
      );
      return undefined;
    }
  }

  /** Sends a packet of the session's own. */
  control(kind: PacketKind, id: number, payload?: EncodedPayload): void {
    this.outbox.push(new QueuedPacket(kind, id, payload));
  }

  /** Asks for `amount` more values of a stream. */
  credit(id: number, amount: number): void {
    const packet = new QueuedPacket(PacketKind.Credit, id);
    packet.amount = amount;
    this.outbox.push(packet);
  }

  /** The server has handled `bytes` of events. */
  eventsHandled(bytes: number): void {
    this.eventWindow += bytes;
    this.outbox.flush();
  }

  flush(): void {
    this.outbox.flush();
  }

  /** Takes back the events that have not left. Cancels and credits, which concern what is under way here, may stay. */
  takeBackEvents({ keepControl }: { readonly keepControl: boolean }): ClientEvent[] {
    const events: ClientEvent[] = [];
    for (const packet of this.outbox.drain()) {
      if (packet instanceof EventPacket && !packet.sent) {
        events.push(packet.event);
      } else if (packet.kind !== PacketKind.Request && keepControl) {
        this.outbox.push(packet);
      }
    }
    return events;
  }

  close(): void {
    const { counters } = this.fields;
    counters.mostOutboxBytes = Math.max(counters.mostOutboxBytes, this.outbox.peakBytes);
    this.outbox.close();
  }

  private pack(parcel: ClientRequest | ClientEvent, id: number): ParcelPacket {
    const { contents } = parcel;
    const { serializer, endpoint, signing } = this.fields;
    const letter: Letter = serializer === undefined ? contents : payloadOf(serializer, id, contents);
    const payload = encodePayload(letter.data, contents.encoding);
    const packet =
      parcel instanceof ClientEvent ? new EventPacket(parcel, payload) : new RequestPacket(parcel, id, payload);
    packet.pattern = letter.route;
    packet.metadata = letter.metadata;
    if (!(parcel instanceof ClientEvent)) {
      packet.timeoutMs = parcel.timeoutMs;
      packet.window = parcel.settings.window;
    }
    signing?.reserve(packet);
    assertSendable(packet, this.welcome);
    if (!this.outbox.hasRoom(packet.charge)) {
      const { length: messages, bytes } = this.outbox;
      this.fields.counters.refused++;
      throw new ZmqException('BACKPRESSURE', `Too much waits to be sent to ${endpoint}.`, {
        details: { messages, bytes },
      });
    }
    return packet;
  }

  private admit(packet: QueuedPacket): boolean {
    return packet.kind !== PacketKind.Event || this.admitEvent(packet);
  }

  /**
   * Signs what leaves with the next message, and no more than that: a signature that waits grows old, and the bytes of a
   * Buffer may be others later. What has no place in the message after all is signed anew for the one behind it.
   */
  private admitSigned(packet: QueuedPacket, signing: Signing): boolean {
    if (this.signedBytes >= MAX_BATCH_BYTES || !this.admit(packet)) {
      return false;
    }
    if (packet instanceof ParcelPacket) {
      this.signedBytes += packet.charge;
      signing.sign(packet, this.welcome?.server ?? '');
    }
    return true;
  }

  /** Whether the server's window has room for an event, which is taken up at once: a batch may hold many events. */
  private admitEvent(packet: QueuedPacket): boolean {
    if (!packet.admitted && this.eventWindow > 0) {
      packet.admitted = true;
      this.eventWindow -= packet.payload.maxSize + EVENT_OVERHEAD;
    }
    return packet.admitted;
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
