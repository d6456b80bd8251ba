import type { Serializer } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import type { PeerAccount } from '../limits/peer-account.js';
import type { ZmqIdentity } from '../options/authenticator.js';
import type { PeerOrigin } from '../security/verdict.js';
import type { ZmqViolationKind } from '../limits/violation.js';
import { formatBytes } from '../options/bytes.js';
import type { ResolvedServerLimits } from '../options/server-options.js';
import { BatchCursor } from '../wire/batch-cursor.js';
import { BatchEncoder } from '../wire/batch-encoder.js';
import { decodeJsonMessage } from '../wire/json-mode.js';
import { decodedCost } from '../wire/decoding-cost.js';
import { Malformed } from '../wire/malformed.js';
import {
  BATCH_MARK,
  OutgoingPacket,
  PacketKind,
  PayloadEncoding,
  type EncodedPayload,
  type IncomingPacket,
} from '../wire/packet.js';
import { decodePayload, encodePayload } from '../wire/payload-codec.js';
import { SESSION_LIMITS, type WireLimits } from '../wire/wire-limits.js';
import { BinaryJob } from './binary-job.js';
import type { Dispatcher } from './dispatcher.js';
import type { Intake } from './intake.js';
import { JsonJob } from './json-job.js';
import { JsonReplies, jsonEncoder } from './json-replies.js';
import type { Peer, PeerFields } from './peer.js';
import type { Refusals } from './refusals.js';
import type { Routes } from './routes.js';
import type { Senders } from './senders.js';
import type { Slots } from './slots.js';
import type { Vetting } from './vetting.js';

export interface ReceptionOptions {
  readonly limits: ResolvedServerLimits & WireLimits;
  readonly serializer: Serializer | undefined;
  /** Whether a deserializer may make a known pattern of any. */
  readonly anyPattern: boolean;
  readonly encodings: readonly string[];
  readonly serverId: string;
  readonly dispatcher: Dispatcher;
  readonly routes: Routes;
  readonly vetting: Vetting;
  readonly intake: Intake;
  readonly slots: Slots;
  readonly refusals: Refusals;
  readonly findPeer: (id: string) => Peer | undefined;
  /** Makes and keeps a peer; `undefined` if there are too many. */
  readonly addPeer: (fields: NewPeer) => Peer | undefined;
  /** Ends the session of a peer that broke the protocol. */
  readonly dropPeer: (peer: Peer) => void;
  /** Sends to somebody who is not (yet) a peer; nobody waits for the outcome. */
  readonly sendOnce: (id: string, frames: Buffer[]) => void;
  readonly senders: Senders;
  /** Who says hello with a proof, where the engine does not tell. */
  readonly prove: (proof: unknown, peerId: string, origin: PeerOrigin) => ProofOutcome;
  /** Whether a connection was made by somebody who would not be let in any more, and could not be ended. */
  readonly isExpelled: (peerId: string) => boolean;
  /** Books a violation after which there is nothing more to say to the peer. */
  readonly disconnect: (peerId: string, kind: ZmqViolationKind) => void;
}

export type NewPeer = Pick<PeerFields, 'id' | 'binary' | 'maxReplySize' | 'origin' | 'proven'> & {
  readonly account: PeerAccount | undefined;
};

/** Whom a proof has shown a peer to be; `undefined` for nobody in particular. */
export type ProofOutcome =
  { readonly ok: true; readonly identity: Required<ZmqIdentity> | undefined } | { readonly ok: false };

interface Arrival {
  readonly peerId: string;
  readonly account: PeerAccount | undefined;
  readonly origin: PeerOrigin | undefined;
}

interface BinaryArrival extends Arrival {
  readonly hello: IncomingPacket;
  readonly rest: BatchCursor;
}

interface JsonArrival extends Arrival {
  readonly frames: Buffer[];
  readonly delimited: boolean;
}

/** Where messages come in: tells binary batches from JSON, greets new peers, and passes the rest on as jobs. */
export class Reception {
  readonly serializer: Serializer | undefined;
  readonly dispatcher: Dispatcher;
  readonly routes: Routes;
  readonly vetting: Vetting;
  readonly slots: Slots;
  readonly refusals: Refusals;
  readonly senders: Senders;
  readonly serverId: string;
  private inForce: ResolvedServerLimits & WireLimits;
  private readonly once = new BatchEncoder({ maxBytes: 1, maxPackets: 1, detachFrom: Number.MAX_SAFE_INTEGER });
  /** What clients are told of limits. */
  private welcome: EncodedPayload;

  constructor(private readonly options: ReceptionOptions) {
    this.inForce = options.limits;
    this.serializer = options.serializer;
    this.dispatcher = options.dispatcher;
    this.routes = options.routes;
    this.vetting = options.vetting;
    this.slots = options.slots;
    this.refusals = options.refusals;
    this.senders = options.senders;
    this.serverId = options.serverId;
    this.welcome = this.createWelcome();
  }

  /** Whether nothing new is taken. */
  get draining(): boolean {
    return this.refusals.isDraining;
  }

  get limits(): ResolvedServerLimits & WireLimits {
    return this.inForce;
  }

  /** Other limits from now on, of the server or of its handlers. Clients that are there are welcomed anew if they were told others. */
  adjust(limits: ResolvedServerLimits & WireLimits, peers: Iterable<Peer>): void {
    const told = this.welcome.body;
    this.inForce = limits;
    this.welcome = this.createWelcome();
    for (const peer of peers) {
      peer.adjust(limits.maxMessageSize);
      if (peer.binary && this.welcome.body !== told) {
        peer.control(PacketKind.Welcome, 0, this.welcome);
      }
    }
  }

  /** Handled bytes of events after which their sender gets new credit. */
  get eventCreditStep(): number {
    return Math.max(1, Math.floor(this.inForce.eventWindow / 4));
  }

  /** Whether a pattern has a handler, as far as that can be told before its message is deserialized. */
  knows(pattern: string): boolean {
    return this.options.anyPattern || this.routes.get(pattern) !== undefined;
  }

  message(peerId: string, frames: Buffer[], account?: PeerAccount, origin?: PeerOrigin): void {
    const delimited = frames.length > 1 && frames[0]?.length === 0;
    const body = delimited ? frames.slice(1) : frames;
    if (body[0]?.[0] === BATCH_MARK && !delimited) {
      this.binaryMessage({ peerId, account, origin }, body);
    } else {
      this.jsonMessage({ peerId, frames: body, delimited, account, origin });
    }
  }

  acknowledgeGoaway(peer: Peer): void {
    peer.knowsGoaway = true;
  }

  private outdated(): ZmqException {
    return new ZmqException('UNAUTHENTICATED', 'Who may connect has changed: connect anew.');
  }

  overloaded(): ZmqException {
    return new ZmqException('OVERLOADED', 'The server has too much to do.');
  }

  /** Ends the session of a sender that does not follow the protocol. */
  malformed(peerId: string, malformed: Malformed, peer: Peer | undefined): void {
    const { reason, kind } = malformed;
    this.refusals.malformed(peer ?? { id: peerId }, malformed);
    const payload = encodePayload(new ZmqException('MALFORMED', `Malformed message: ${reason}.`).toJSON(), 'json');
    if (peer !== undefined) {
      peer.outbox.flush();
      this.options.dropPeer(peer);
    }
    this.sendPacket(peerId, PacketKind.Error, payload);
    if (kind === 'batch-too-large') {
      this.options.disconnect(peerId, kind);
    }
  }

  private binaryMessage(arrival: Arrival, frames: Buffer[]): void {
    const { peerId } = arrival;
    const cursor = new BatchCursor(frames, this.limits);
    const peer = this.options.findPeer(peerId);
    if (peer?.binary === true) {
      this.options.intake.add(new BinaryJob(this, peer, cursor));
      return;
    }
    const first = cursor.next();
    if (first instanceof Malformed) {
      this.malformed(peerId, first, undefined);
    } else if (first?.kind === PacketKind.Hello && peer === undefined) {
      this.greet({ ...arrival, hello: first, rest: cursor });
    } else if (first !== undefined) {
      const error = new ZmqException('DISCONNECTED', 'There is no session: a hello must come first.');
      this.sendPacket(peerId, PacketKind.Error, encodePayload(error.toJSON(), 'json'));
    }
  }

  private greet({ peerId, account, origin, hello: { encoding, payload }, rest }: BinaryArrival): void {
    if (this.draining) {
      this.sendPacket(peerId, PacketKind.Goaway);
      return;
    }
    if (this.options.isExpelled(peerId)) {
      this.sendPacket(peerId, PacketKind.Error, encodePayload(this.outdated().toJSON(), 'json'));
      return;
    }
    const hello = decodePayload(encoding, payload, { ...this.limits, ...SESSION_LIMITS });
    const maxReplySize = hello instanceof Malformed ? undefined : maxMessageSizeOf(hello);
    if (maxReplySize === undefined) {
      this.malformed(peerId, new Malformed('a hello without limits.maxMessageSize'), undefined);
      return;
    }
    const proof = (hello as { readonly proof?: unknown }).proof;
    const outcome: ProofOutcome =
      proof === undefined || origin === undefined
        ? { ok: true, identity: undefined }
        : this.options.prove(proof, peerId, origin);
    if (!outcome.ok) {
      const error = new ZmqException('UNAUTHENTICATED', 'The proof of identity was not accepted.');
      this.sendPacket(peerId, PacketKind.Error, encodePayload(error.toJSON(), 'json'));
      return;
    }
    const peer = this.options.addPeer({
      id: peerId,
      binary: true,
      maxReplySize,
      account,
      origin,
      proven: outcome.identity,
    });
    if (peer === undefined) {
      this.sendPacket(peerId, PacketKind.Error, encodePayload(this.overloaded().toJSON(), 'json'));
      return;
    }
    peer.control(PacketKind.Welcome, 0, this.welcome);
    this.options.intake.add(new BinaryJob(this, peer, rest));
  }

  private createWelcome(): EncodedPayload {
    const { serverId } = this;
    const { encodings } = this.options;
    const { maxMessageSize, maxBatchPackets, maxPatternLength, maxMetadataSize, eventWindow } = this.limits;
    const maxSizes = this.routes.smallerSizes(maxMessageSize);
    const limits = {
      maxMessageSize,
      maxBatchPackets,
      maxPatternLength,
      maxMetadataSize,
      eventWindow,
      ...(maxSizes !== undefined && { maxSizes }),
    };
    return encodePayload({ version: 1, server: serverId, encodings, limits }, 'json');
  }

  private jsonMessage({ peerId, frames, delimited, account, origin }: JsonArrival): void {
    const frame = frames[0];
    const { maxMessageSize } = this.limits;
    const known = this.options.findPeer(peerId);
    if (known === undefined && this.options.isExpelled(peerId)) {
      this.refuseJson(peerId, delimited, this.outdated());
      return;
    }
    if (frame === undefined || frames.length > 1 || !startsAsJson(frame)) {
      this.refusals.malformed({ id: peerId }, new Malformed('neither a binary batch nor one frame of JSON'));
      const error = new ZmqException('MALFORMED', 'Malformed message: neither a binary batch nor one frame of JSON.');
      this.refuseJson(peerId, delimited, error);
      return;
    }
    if (frame.length > maxMessageSize) {
      const error = new ZmqException(
        'PAYLOAD_TOO_LARGE',
        `The message has ${formatBytes(frame.length)}, more than the ${formatBytes(maxMessageSize)} allowed.`,
        { details: { limit: maxMessageSize, actual: frame.length } },
      );
      this.refusals.request(error.toJSON(), '', peerId);
      this.refuseJson(peerId, delimited, error);
      return;
    }
    const items = decodeJsonMessage(frame, this.limits);
    const size = decodedCost(PayloadEncoding.Json, frame.length);
    account?.recycle(frames);
    if (items instanceof Malformed) {
      this.refusals.malformed({ id: peerId }, items);
      this.refuseJson(peerId, delimited, new ZmqException('MALFORMED', `Malformed message: ${items.reason}.`));
      if (items.kind === 'batch-too-large') {
        this.options.disconnect(peerId, items.kind);
      }
      return;
    }
    const peer =
      known ??
      this.options.addPeer({ id: peerId, binary: false, maxReplySize: Number.MAX_SAFE_INTEGER, account, origin });
    if (peer === undefined || peer.binary) {
      this.refuseJson(peerId, delimited, this.overloaded());
      return;
    }
    peer.account.spend(items.length - 1);
    this.options.intake.add(new JsonJob(this, { peer, items, delimited, size, textSize: frame.length }));
  }

  private refuseJson(peerId: string, delimited: boolean, error: ZmqException): void {
    const { limits, serializer } = this;
    const replies = new JsonReplies({ id: undefined, delimited, maxSize: limits.maxMessageSize, serializer });
    this.options.sendOnce(peerId, jsonEncoder.encode([replies.error(error.toJSON())], 0, 1).frames);
  }

  private sendPacket(peerId: string, kind: PacketKind, payload?: EncodedPayload): void {
    this.options.sendOnce(peerId, this.once.encode([new OutgoingPacket(kind, 0, payload)], 0).frames);
  }
}

const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

function startsAsJson(frame: Buffer): boolean {
  let at = 0;
  while (at < frame.length && SPACE.has(frame[at] as number)) {
    at++;
  }
  return frame[at] === 0x7b || frame[at] === 0x5b;
}

function maxMessageSizeOf(hello: unknown): number | undefined {
  const { limits } = (hello ?? {}) as { limits?: { maxMessageSize?: unknown } | null };
  const size = limits?.maxMessageSize;
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 64 ? size : undefined;
}
