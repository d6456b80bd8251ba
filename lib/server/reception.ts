import type { Serializer } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ByteBudget } from '../limits/byte-budget.js';
import type { ServerCounters } from '../monitoring/server-counters.js';
import { printable, type SampledLog } from '../monitoring/sampled-log.js';
import { formatBytes } from '../options/bytes.js';
import type { ResolvedServerLimits } from '../options/server-options.js';
import { BatchCursor } from '../wire/batch-cursor.js';
import { BatchEncoder } from '../wire/batch-encoder.js';
import { decodeJsonMessage } from '../wire/json-mode.js';
import { Malformed } from '../wire/malformed.js';
import { BATCH_MARK, OutgoingPacket, PacketKind, type EncodedPayload } from '../wire/packet.js';
import { decodePayload, encodePayload } from '../wire/payload-codec.js';
import { SESSION_LIMITS, type WireLimits } from '../wire/wire-limits.js';
import { BinaryJob } from './binary-job.js';
import type { Dispatcher } from './dispatcher.js';
import type { Intake } from './intake.js';
import { JsonJob } from './json-job.js';
import { JsonReplies, jsonEncoder } from './json-replies.js';
import type { Peer } from './peer.js';
import type { Slots } from './slots.js';

export type WarningKind = 'malformed' | 'unhandled' | 'refused' | 'event error' | 'departed';

export interface ReceptionOptions {
  readonly limits: ResolvedServerLimits & WireLimits;
  readonly serializer: Serializer | undefined;
  readonly encodings: readonly string[];
  readonly serverId: string;
  readonly dispatcher: Dispatcher;
  readonly intake: Intake;
  readonly slots: Slots;
  readonly counters: ServerCounters;
  readonly log: SampledLog<WarningKind>;
  readonly findPeer: (id: string) => Peer | undefined;
  /** Makes and keeps a peer; `undefined` if there are too many. */
  readonly addPeer: (id: string, binary: boolean, maxReplySize: number) => Peer | undefined;
  /** Ends the session of a peer that broke the protocol. */
  readonly dropPeer: (peer: Peer) => void;
  /** Sends to somebody who is not (yet) a peer; nobody waits for the outcome. */
  readonly sendOnce: (id: string, frames: Buffer[]) => void;
  readonly onMalformed: (peerId: string, reason: string) => void;
}

/** Where messages come in: tells binary batches from JSON, greets new peers, and passes the rest on as jobs. */
export class Reception {
  readonly limits: ResolvedServerLimits & WireLimits;
  readonly serializer: Serializer | undefined;
  readonly dispatcher: Dispatcher;
  readonly slots: Slots;
  readonly budget: ByteBudget;
  /** Handled bytes of events after which their sender gets new credit. */
  readonly eventCreditStep: number;
  draining = false;
  private readonly once = new BatchEncoder({ maxBytes: 1, maxPackets: 1, detachFrom: Number.MAX_SAFE_INTEGER });

  constructor(private readonly options: ReceptionOptions) {
    this.limits = options.limits;
    this.serializer = options.serializer;
    this.dispatcher = options.dispatcher;
    this.slots = options.slots;
    this.budget = options.dispatcher.budget;
    this.eventCreditStep = Math.max(1, Math.floor(options.limits.eventWindow / 4));
  }

  message(peerId: string, frames: Buffer[]): void {
    const delimited = frames.length > 1 && frames[0]?.length === 0;
    const body = delimited ? frames.slice(1) : frames;
    if (body[0]?.[0] === BATCH_MARK && !delimited) {
      this.binaryMessage(peerId, body);
    } else {
      this.jsonMessage(peerId, body, delimited);
    }
  }

  acknowledgeGoaway(peer: Peer): void {
    peer.knowsGoaway = true;
  }

  overloaded(): ZmqException {
    return new ZmqException('OVERLOADED', 'The server has too much to do.');
  }

  /** Ends the session of a sender that does not follow the protocol. */
  malformed(peerId: string, { reason }: Malformed, peer: Peer | undefined): void {
    this.countMalformed(peer ?? { id: peerId }, new Malformed(reason));
    const payload = encodePayload(new ZmqException('MALFORMED', `Malformed message: ${reason}.`).toJSON(), 'json');
    if (peer !== undefined) {
      peer.outbox.flush();
      this.options.dropPeer(peer);
    }
    this.sendPacket(peerId, PacketKind.Error, payload);
  }

  countMalformed({ id }: { readonly id: string }, { reason }: Malformed): void {
    this.options.counters.malformed++;
    const name = Buffer.from(id, 'latin1').toString('hex');
    this.options.log.warn('malformed', () => `Malformed message from peer ${name}: ${reason}.`);
    this.options.onMalformed(name, reason);
  }

  countRefusal(error: ZmqException, pattern: string): void {
    const { counters, log } = this.options;
    if (error.code === 'NO_HANDLER') {
      counters.unhandled++;
      log.warn('unhandled', () => `There is no handler for the request pattern '${printable(pattern)}'.`);
    } else if (error.code !== 'MALFORMED') {
      counters.refused++;
      log.warn('refused', () => `Refused a request for '${printable(pattern)}': ${error.code}, ${error.message}`);
    }
  }

  refuseEvent(pattern: string, why: 'no handler' | 'too large' | 'overloaded' | 'shutting down'): void {
    const { counters, log } = this.options;
    if (why === 'no handler') {
      counters.unhandled++;
      log.warn('unhandled', () => `There is no handler for the event pattern '${printable(pattern)}'.`);
    } else {
      counters.refused++;
      log.warn('refused', () => `Refused an event for '${printable(pattern)}': ${why}.`);
    }
  }

  private binaryMessage(peerId: string, frames: Buffer[]): void {
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
      this.greet(peerId, first.encoding, first.payload, cursor);
    } else if (first !== undefined) {
      const error = new ZmqException('DISCONNECTED', 'There is no session: a hello must come first.');
      this.sendPacket(peerId, PacketKind.Error, encodePayload(error.toJSON(), 'json'));
    }
  }

  private greet(peerId: string, encoding: 0 | 1 | 2 | 3, payload: Buffer, rest: BatchCursor): void {
    if (this.draining) {
      this.sendPacket(peerId, PacketKind.Goaway);
      return;
    }
    const hello = decodePayload(encoding, payload, { ...this.limits, ...SESSION_LIMITS });
    const maxReplySize = hello instanceof Malformed ? undefined : maxMessageSizeOf(hello);
    if (maxReplySize === undefined) {
      this.malformed(peerId, new Malformed('a hello without limits.maxMessageSize'), undefined);
      return;
    }
    const peer = this.options.addPeer(peerId, true, Math.min(maxReplySize, this.limits.maxMessageSize));
    if (peer === undefined) {
      this.sendPacket(peerId, PacketKind.Error, encodePayload(this.overloaded().toJSON(), 'json'));
      return;
    }
    peer.control(PacketKind.Welcome, 0, this.welcome());
    this.options.intake.add(new BinaryJob(this, peer, rest));
  }

  private welcome(): EncodedPayload {
    const { encodings, serverId } = this.options;
    const { maxMessageSize, maxBatchPackets, maxPatternLength, maxMetadataSize, eventWindow } = this.limits;
    const limits = { maxMessageSize, maxBatchPackets, maxPatternLength, maxMetadataSize, eventWindow };
    return encodePayload({ version: 1, server: serverId, encodings, limits }, 'json');
  }

  private jsonMessage(peerId: string, frames: Buffer[], delimited: boolean): void {
    const frame = frames[0];
    const { maxMessageSize } = this.limits;
    if (frame === undefined || frames.length > 1 || !startsAsJson(frame)) {
      this.countMalformed({ id: peerId }, new Malformed('neither a binary batch nor one frame of JSON'));
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
      this.countRefusal(error, '');
      this.refuseJson(peerId, delimited, error);
      return;
    }
    const items = decodeJsonMessage(frame, this.limits);
    if (items instanceof Malformed) {
      this.countMalformed({ id: peerId }, items);
      this.refuseJson(peerId, delimited, new ZmqException('MALFORMED', `Malformed message: ${items.reason}.`));
      return;
    }
    const peer = this.options.findPeer(peerId) ?? this.options.addPeer(peerId, false, maxMessageSize);
    if (peer === undefined || peer.binary) {
      this.refuseJson(peerId, delimited, this.overloaded());
      return;
    }
    this.options.intake.add(new JsonJob(this, { peer, items, delimited, size: frame.length }));
  }

  private refuseJson(peerId: string, delimited: boolean, error: ZmqException): void {
    const { limits, serializer } = this;
    const replies = new JsonReplies({ id: undefined, delimited, maxSize: limits.maxMessageSize, serializer });
    this.options.sendOnce(peerId, jsonEncoder.encode([replies.error(error.toJSON())], 0).frames);
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
