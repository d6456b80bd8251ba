import { ZmqException } from '../errors/zmq.exception.js';
import { formatBytes } from '../options/bytes.js';
import type { BatchCursor } from '../wire/batch-cursor.js';
import { Malformed } from '../wire/malformed.js';
import { EVENT_OVERHEAD, PacketKind, PayloadEncoding, type IncomingPacket } from '../wire/packet.js';
import { decodeMetadata, decodePacketPayload } from '../wire/payload-codec.js';
import { BinaryReplies } from './binary-replies.js';
import { noHandler } from './dispatcher.js';
import type { Job, Step } from './intake.js';
import { LAST_PING, type Peer } from './peer.js';
import type { Reception } from './reception.js';

/** A binary batch of a known peer. */
export class BinaryJob implements Job {
  private held: IncomingPacket | undefined = undefined;

  constructor(
    private readonly reception: Reception,
    private readonly peer: Peer,
    private readonly cursor: BatchCursor,
  ) {}

  step(): Step {
    if (this.peer.departed) {
      return 'end';
    }
    const packet = this.held ?? this.cursor.next();
    if (packet === undefined) {
      return 'end';
    }
    if (packet instanceof Malformed) {
      this.reception.malformed(this.peer.id, packet, this.peer);
      return 'end';
    }
    const taken = this.take(packet);
    this.held = taken ? undefined : packet;
    return taken ? 'next' : 'wait';
  }

  /** Handles a packet; `false` if it has to wait for a place. */
  private take(packet: IncomingPacket): boolean {
    const { peer } = this;
    switch (packet.kind) {
      case PacketKind.Request:
        return this.takeRequest(packet);
      case PacketKind.Event:
        return this.takeEvent(packet);
      case PacketKind.Cancel:
        peer.calls.get(packet.id)?.cancel(new ZmqException('CANCELLED', 'The caller cancelled the request.'));
        return true;
      case PacketKind.Credit:
        peer.calls.get(packet.id)?.grant(packet.amount);
        return true;
      case PacketKind.Ping:
        peer.control(PacketKind.Pong, packet.id);
        return true;
      case PacketKind.Pong:
        peer.hasAll ||= packet.id === LAST_PING;
        return true;
      case PacketKind.Goaway:
        this.reception.acknowledgeGoaway(peer);
        return true;
      case PacketKind.Hello:
      case PacketKind.Welcome:
      case PacketKind.Response:
      case PacketKind.Complete:
      case PacketKind.Error:
        this.reception.malformed(peer.id, new Malformed('a packet that only a server sends, or a second hello'), peer);
        return true;
      default:
        return packet.kind satisfies never;
    }
  }

  private takeRequest(packet: IncomingPacket): boolean {
    const { peer, reception } = this;
    const { id, pattern } = packet;
    if (reception.draining) {
      peer.control(PacketKind.Goaway, id);
      return true;
    }
    const refusal = this.refusalOf(packet);
    if (refusal !== undefined) {
      this.refuse(packet, refusal);
      return true;
    }
    const admission = reception.slots.admit();
    if (admission !== 'admitted') {
      if (admission === 'refused') {
        this.refuse(packet, reception.overloaded());
      }
      return admission === 'refused';
    }
    const { limits } = reception;
    const data = decodePacketPayload(packet, limits);
    const metadata = packet.metadata === undefined ? undefined : decodeMetadata(packet.metadata, limits);
    if (data instanceof Malformed || metadata instanceof Malformed) {
      const reason = data instanceof Malformed ? data : (metadata as Malformed);
      reception.countMalformed(peer, reason);
      this.refuse(packet, new ZmqException('MALFORMED', `Malformed request: ${reason.reason}.`));
      return true;
    }
    reception.dispatcher.request({
      peer,
      id,
      pattern,
      data,
      metadata,
      size: packet.size,
      timeoutMs: packet.timeoutMs,
      window: packet.window,
      replies: this.repliesTo(packet),
      sink: peer,
    });
    return true;
  }

  private takeEvent(packet: IncomingPacket): boolean {
    const { peer, reception } = this;
    const { limits } = reception;
    const size = packet.size;
    const credit = () => peer.creditEvent(size + EVENT_OVERHEAD, reception.eventCreditStep);
    if (peer.knowsGoaway) {
      // It was told, and has said that it would send nothing more.
      reception.refuseEvent(packet.pattern, 'shutting down');
      return true;
    }
    if (size > limits.maxMessageSize || !reception.dispatcher.knows(packet.pattern)) {
      reception.refuseEvent(packet.pattern, size > limits.maxMessageSize ? 'too large' : 'no handler');
      credit();
      return true;
    }
    const admission = reception.slots.admit();
    if (admission === 'wait') {
      return false;
    }
    const data = decodePacketPayload(packet, limits);
    const metadata = packet.metadata === undefined ? undefined : decodeMetadata(packet.metadata, limits);
    if (admission === 'refused') {
      reception.refuseEvent(packet.pattern, 'overloaded');
      credit();
    } else if (data instanceof Malformed || metadata instanceof Malformed) {
      reception.countMalformed(peer, data instanceof Malformed ? data : (metadata as Malformed));
      credit();
    } else {
      reception.dispatcher.event({ peer, pattern: packet.pattern, data, metadata, size }, credit);
    }
    return true;
  }

  private refusalOf({ id, pattern, size }: IncomingPacket): ZmqException | undefined {
    const { peer, reception } = this;
    const { maxMessageSize, maxRequestsPerPeer } = reception.limits;
    if (size > maxMessageSize) {
      return new ZmqException(
        'PAYLOAD_TOO_LARGE',
        `The request has ${formatBytes(size)}, more than the ${formatBytes(maxMessageSize)} allowed.`,
        { details: { limit: maxMessageSize, actual: size } },
      );
    }
    if (peer.calls.has(id)) {
      return new ZmqException('MALFORMED', 'Malformed request: its id is in use.');
    }
    if (!reception.dispatcher.knows(pattern)) {
      return noHandler(pattern);
    }
    return peer.calls.size >= maxRequestsPerPeer ? reception.overloaded() : undefined;
  }

  private refuse(packet: IncomingPacket, error: ZmqException): void {
    this.reception.countRefusal(error, packet.pattern);
    this.peer.push(this.repliesTo(packet).error(error.toJSON()));
  }

  private repliesTo({ id, encoding }: IncomingPacket): BinaryReplies {
    const preferred = encoding === PayloadEncoding.MsgPack ? 'msgpack' : 'json';
    return new BinaryReplies(id, preferred, this.peer.maxReplySize, this.reception.serializer);
  }
}
