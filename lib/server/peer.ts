import type { Outbox } from '../socket/outbox.js';
import { QueuedPacket } from '../socket/queued-packet.js';
import { PacketKind, type EncodedPayload } from '../wire/packet.js';
import type { ZmqPeer } from '../pipeline/zmq.context.js';
import type { Call } from './call.js';
import type { ReplySink } from './replies.js';

/** Bytes in the outbox above which streams hold back, so that answers of other requests still find room. */
const STREAM_HIGH_WATER = 256 * 1024;

/** Id of the ping that a server sends behind its last reply. */
export const LAST_PING = 1;

export interface PeerFields {
  readonly id: string;
  /** Whether it speaks binary batches, as our own client does, or JSON. */
  readonly binary: boolean;
  /** Bytes of one payload that the client takes. */
  readonly maxReplySize: number;
  readonly now: number;
  /** The peer takes no replies and keeps asking for more. */
  readonly onOverflow: () => void;
}

/** What a server keeps of one connected client. */
export class Peer implements ReplySink {
  /** The socket's name for the peer; not printable. */
  readonly id: string;
  /** What handlers see of the peer. */
  readonly identity: ZmqPeer;
  readonly binary: boolean;
  readonly canWait = true;
  readonly overflowCode = 'BACKPRESSURE';
  /** Requests under way, by the client's id. */
  readonly calls = new Map<number | string, Call>();
  /** Streams that have values waiting for room in the outbox. */
  readonly waiting = new Set<Call>();
  outbox!: Outbox;
  /** Bytes of one payload that the client takes. */
  readonly maxReplySize: number;
  lastSeen: number;
  lastSent: number;
  /** Whether its session is over; what it has sent and nobody has looked at yet is void. */
  departed = false;
  /** Whether the client knows that this server drains and will send nothing new. */
  knowsGoaway = false;
  /** Whether the client has read everything up to the last ping. */
  hasAll = false;
  /** Since when the client takes nothing, if so. */
  stalledSince: number | undefined = undefined;
  /** Bytes of handled events not yet credited to the client. */
  private eventBytes = 0;

  private readonly onOverflow: () => void;

  constructor({ id, binary, maxReplySize, now, onOverflow }: PeerFields) {
    this.id = id;
    this.identity = Object.freeze({ id: Buffer.from(id, 'latin1').toString('hex') });
    this.binary = binary;
    this.maxReplySize = maxReplySize;
    this.lastSeen = now;
    this.lastSent = now;
    this.onOverflow = onOverflow;
  }

  get congested(): boolean {
    return this.outbox.bytes >= STREAM_HIGH_WATER;
  }

  hasRoom(bytes: number): boolean {
    return this.outbox.hasRoom(bytes);
  }

  /** Queues a packet even beyond the limit of the outbox: refusals are small. Without end it does not do so, either. */
  push(packet: QueuedPacket): void {
    if (this.outbox.isOverfull) {
      this.onOverflow();
      return;
    }
    this.outbox.push(packet);
  }

  /** Sends a packet of the session's own. */
  control(kind: PacketKind, id = 0, payload?: EncodedPayload): void {
    this.push(new QueuedPacket(kind, id, payload));
  }

  /** An event of this size has been handled: lets the client send more, in steps of `step` bytes. */
  creditEvent(bytes: number, step: number): void {
    this.eventBytes += bytes;
    if (this.eventBytes >= step) {
      const packet = new QueuedPacket(PacketKind.Credit, 0);
      packet.amount = this.eventBytes;
      this.eventBytes = 0;
      this.push(packet);
    }
  }
}
