import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';
import type { PeerAccount } from '../limits/peer-account.js';
import { NOT_ALLOWED } from '../pipeline/access-refusal.js';
import type { ZmqPeer } from '../pipeline/zmq.context.js';
import type { BatchCursor } from '../wire/batch-cursor.js';
import { decodedCost } from '../wire/decoding-cost.js';
import { Malformed } from '../wire/malformed.js';
import { EVENT_OVERHEAD, PacketKind, PayloadEncoding, type IncomingPacket } from '../wire/packet.js';
import { decodeMetadata, decodePacketPayload, MIN_VIEW_BYTES } from '../wire/payload-codec.js';
import { BinaryReplies } from './binary-replies.js';
import { noHandler } from './invoker.js';
import type { Job, Step } from './intake.js';
import { LAST_PING, type Peer } from './peer.js';
import type { Reception } from './reception.js';
import type { Route } from './route.js';
import { withoutSignature } from './senders.js';
import { requestTooLarge } from './size-violations.js';
import { EXPIRED, FULL } from './vetting.js';

type Metadata = Readonly<Record<string, string>> | undefined;

/** For which handler a packet is, and of whom. */
interface Recipient {
  readonly sender: ZmqPeer;
  readonly route: Route;
  /** Called once an event that does not pass has been dealt with. */
  readonly done?: () => void;
}

/** A binary batch of a known peer. */
export class BinaryJob implements Job {
  private held: IncomingPacket | undefined = undefined;
  private packets = 0;
  private obstacle: 'wait' | 'hold' = 'wait';
  /** Whether a handler has got a part of the frames as it is. */
  private isRetained = false;
  /** Whether the packet that waits has been counted by the limits of its handler. */
  private isVetted = false;
  /** Who has sent the packet at hand, once that has been found out. */
  private sender: ZmqPeer | undefined = undefined;
  private readonly arrivedAt = performance.now();

  constructor(
    private readonly reception: Reception,
    private readonly peer: Peer,
    private readonly cursor: BatchCursor,
  ) {}

  get owner(): PeerAccount {
    return this.peer.account;
  }

  get bytes(): number {
    return this.cursor.frames.reduce((sum, { length }) => sum + length, 0);
  }

  step(): Step {
    const packet = this.peer.departed ? undefined : (this.held ?? this.cursor.next());
    if (packet === undefined) {
      return this.end();
    }
    if (packet instanceof Malformed) {
      this.reception.malformed(this.peer.id, packet, this.peer);
      return this.end();
    }
    const taken = this.take(packet);
    this.held = taken ? undefined : packet;
    this.isVetted &&= !taken;
    this.sender = taken ? undefined : this.sender;
    this.packets += taken ? 1 : 0;
    return taken ? 'next' : this.obstacle;
  }

  private end(): Step {
    const { account } = this.peer;
    account.spend(this.packets - 1);
    if (!this.isRetained) {
      account.recycle(this.cursor.frames);
    }
    return 'end';
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
    const sender = this.identify(packet);
    if (sender === undefined) {
      return true;
    }
    const route = reception.routes.get(pattern);
    if (reception.vetting.asksWho(route) && reception.vetting.forbids({ peer, sender, route, kind: 'request' })) {
      this.reply(packet, NOT_ALLOWED);
      return true;
    }
    const refusal = this.refusalOf(packet);
    if (refusal !== undefined) {
      this.refuse(packet, refusal.toJSON());
      return true;
    }
    if (route !== undefined && !this.isVetted && !this.passes(packet, { sender, route })) {
      return true;
    }
    const admission = reception.slots.admit(peer.account);
    if (admission === 'refused') {
      this.refuse(packet, reception.overloaded().toJSON());
      return true;
    }
    if (admission !== 'admitted') {
      this.obstacle = admission;
      return false;
    }
    const timeoutMs = this.timeLeft(packet);
    if (timeoutMs < 0) {
      reception.refusals.expired();
      this.reply(packet, EXPIRED);
      return true;
    }
    if (this.isTooLate(route)) {
      this.refuse(packet, FULL);
      return true;
    }
    const { limits } = reception;
    const data = decodePacketPayload(packet, limits);
    const cost = this.costOf(packet);
    const metadata = this.metadataOf(packet);
    if (data instanceof Malformed || metadata instanceof Malformed) {
      const reason = data instanceof Malformed ? data : (metadata as Malformed);
      reception.refusals.malformed(peer, reason);
      this.reply(packet, { code: 'MALFORMED', message: `Malformed request: ${reason.reason}.` });
      return true;
    }
    reception.dispatcher.request({
      peer,
      sender,
      id,
      pattern,
      route,
      data,
      metadata,
      size: cost,
      payloadSize: packet.size,
      timeoutMs,
      window: packet.window,
      replies: this.repliesTo(packet, route),
      sink: peer,
    });
    return true;
  }

  private takeEvent(packet: IncomingPacket): boolean {
    const { peer, reception } = this;
    const { limits } = reception;
    const { size, pattern } = packet;
    const credit = () => peer.creditEvent(size + EVENT_OVERHEAD, reception.eventCreditStep);
    if (peer.knowsGoaway) {
      // It was told, and has said that it would send nothing more.
      reception.refusals.event(pattern, 'shutting down', peer.id);
      return true;
    }
    const sender = this.identify(packet);
    if (sender === undefined) {
      credit();
      return true;
    }
    const route = reception.routes.get(pattern);
    if (reception.vetting.asksWho(route) && reception.vetting.forbids({ peer, sender, route, kind: 'event' })) {
      credit();
      return true;
    }
    if (size > limits.maxMessageSize || !reception.knows(pattern)) {
      reception.refusals.event(pattern, size > limits.maxMessageSize ? 'too large' : 'no handler', peer.id);
      credit();
      return true;
    }
    if (route !== undefined && !this.isVetted && !this.passes(packet, { sender, route, done: credit })) {
      return true;
    }
    const admission = reception.slots.admit(peer.account);
    if (admission === 'wait' || admission === 'hold') {
      this.obstacle = admission;
      return false;
    }
    if (admission === 'refused' || this.isTooLate(route)) {
      reception.refusals.event(pattern, 'overloaded', peer.id);
      credit();
      return true;
    }
    const data = decodePacketPayload(packet, limits);
    const cost = this.costOf(packet);
    const metadata = this.metadataOf(packet);
    if (data instanceof Malformed || metadata instanceof Malformed) {
      reception.refusals.malformed(peer, data instanceof Malformed ? data : (metadata as Malformed));
      credit();
    } else {
      reception.dispatcher.event(
        { peer, sender, pattern, route, data, metadata, size: cost, payloadSize: size },
        credit,
      );
    }
    return true;
  }

  /** What the payload that was decoded just now costs while it is being handled. */
  private costOf({ encoding, size }: IncomingPacket): number {
    this.isRetained ||= encoding === PayloadEncoding.Raw && size >= MIN_VIEW_BYTES;
    return decodedCost(encoding, size);
  }

  /** Who has sent a packet; `undefined` if that is not certain, in which case it has been refused. */
  private identify(packet: IncomingPacket): ZmqPeer | undefined {
    const { peer, reception } = this;
    const { senders, serverId, limits } = reception;
    if (packet.metadata === undefined && this.sender === undefined && !senders.isRequired) {
      return peer.identity;
    }
    const sender =
      this.sender === undefined
        ? senders.senderOf(packet, { peer, serverId, maxSize: limits.maxMessageSize })
        : senders.renewed(this.sender, peer);
    if ('error' in sender) {
      const isRequest = packet.kind === PacketKind.Request;
      const { pattern } = packet;
      reception.refusals.unidentified({ peer, pattern, kind: isRequest ? 'request' : 'event' }, sender);
      if (isRequest) {
        this.reply(packet, sender.error);
      }
      return undefined;
    }
    this.sender = sender;
    return sender;
  }

  private refusalOf({ id, pattern, size }: IncomingPacket): ZmqException | undefined {
    const { peer, reception } = this;
    const { maxMessageSize, maxRequestsPerPeer } = reception.limits;
    if (size > maxMessageSize) {
      return requestTooLarge({ limit: maxMessageSize, actual: size });
    }
    if (peer.calls.has(id)) {
      return new ZmqException('MALFORMED', 'Malformed request: its id is in use.');
    }
    if (!reception.knows(pattern)) {
      return noHandler(pattern);
    }
    return peer.calls.size >= maxRequestsPerPeer ? reception.overloaded() : undefined;
  }

  /** Whether the limits of its handler let the packet pass. If not, all has been done about it. */
  private passes(packet: IncomingPacket, { sender, route, done }: Recipient): boolean {
    const { peer, reception } = this;
    const { size } = packet;
    this.isVetted =
      reception.vetting.isPlain(route, size) ||
      reception.vetting.passes({
        peer,
        sender,
        route,
        size,
        timeoutMs: packet.timeoutMs,
        metadata: () => readable(this.metadataOf(packet)),
        answer: done === undefined ? { replies: this.repliesTo(packet, route), sink: peer } : undefined,
        done,
      });
    return this.isVetted;
  }

  /** Whether others have taken the last room of the handler while the packet at hand waited. */
  private isTooLate(route: Route | undefined): boolean {
    if (this.held === undefined || route?.isFull !== true) {
      return false;
    }
    route.refused.overload++;
    return true;
  }

  private metadataOf({ metadata }: IncomingPacket): Metadata | Malformed {
    const decoded = metadata === undefined ? undefined : decodeMetadata(metadata, this.reception.limits);
    return decoded instanceof Malformed ? decoded : withoutSignature(decoded);
  }

  /** Milliseconds until the caller stops waiting: 0 if it never does, less if it has. */
  private timeLeft({ timeoutMs }: IncomingPacket): number {
    if (timeoutMs === 0) {
      return 0;
    }
    const left = timeoutMs - Math.floor(performance.now() - this.arrivedAt);
    return left > 0 ? left : -1;
  }

  private refuse(packet: IncomingPacket, error: ZmqErrorObject): void {
    this.reception.refusals.request(error, packet.pattern, this.peer.id);
    this.reply(packet, error);
  }

  private reply(packet: IncomingPacket, error: ZmqErrorObject): void {
    this.peer.push(this.repliesTo(packet).error(error));
  }

  private repliesTo({ id, encoding }: IncomingPacket, route?: Route): BinaryReplies {
    const { maxReplySize } = this.peer;
    return new BinaryReplies({
      id,
      encoding: encoding === PayloadEncoding.MsgPack ? 'msgpack' : 'json',
      maxSize: route === undefined ? maxReplySize : Math.min(maxReplySize, route.limits.maxResponseSize),
      maxErrorSize: maxReplySize,
      serializer: this.reception.serializer,
    });
  }
}

function readable(metadata: Metadata | Malformed): Metadata {
  return metadata instanceof Malformed ? undefined : metadata;
}
