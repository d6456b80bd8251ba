import { GenerationMap } from '../limits/generation-map.js';
import type { PeerAccount } from '../limits/peer-account.js';
import type { ZmqIdentity } from '../options/authenticator.js';
import { publicIdOf } from '../security/public-id.js';
import type { PeerOrigin } from '../security/verdict.js';
import type { Outbox } from '../socket/outbox.js';
import { QueuedPacket } from '../socket/queued-packet.js';
import { PacketKind, type EncodedPayload } from '../wire/packet.js';
import type { ZmqPeer } from '../pipeline/zmq.context.js';
import type { Call } from './call.js';
import type { ReplySink } from './replies.js';

/** Bytes in the outbox above which streams hold back, so that answers of other requests still find room. */
const STREAM_HIGH_WATER = 256 * 1024;

/** Signers that are remembered of one connection. */
const MAX_SIGNERS = 256;

/** Id of the ping that a server sends behind its last reply. */
export const LAST_PING = 1;

export interface PeerFields {
  readonly id: string;
  /** Whether it speaks binary batches, as our own client does, or JSON. */
  readonly binary: boolean;
  /** Bytes of one payload that the client takes. */
  readonly maxReplySize: number;
  /** Bytes of one payload that the server lets through. @defaultValue no bound */
  readonly maxMessageSize?: number;
  /** What is held on its behalf is charged to it. */
  readonly account: PeerAccount;
  /** Where its connection comes from. */
  readonly origin: PeerOrigin | undefined;
  /** Who it has been proven to be, if not by the connection alone. */
  readonly proven?: Required<ZmqIdentity> | undefined;
  readonly now: number;
  /** The peer takes no replies and keeps asking for more. */
  readonly onOverflow: () => void;
}

const peers = new WeakMap<ZmqPeer, Peer>();

/** Whom handlers see as this; `undefined` if it is of no server's making. */
export function peerOf(identity: ZmqPeer): Peer | undefined {
  return peers.get(identity);
}

/** What a server keeps of one connected client. */
export class Peer implements ReplySink {
  /** The socket's name for the peer; not printable. */
  readonly id: string;
  /** What handlers see of the peer. */
  readonly identity: ZmqPeer;
  /** Who it has been proven to be, */
  readonly proven: Required<ZmqIdentity> | undefined;
  /** and where its connection comes from. */
  readonly origin: PeerOrigin | undefined;
  readonly binary: boolean;
  readonly account: PeerAccount;
  readonly canWait = true;
  readonly overflowCode = 'BACKPRESSURE';
  /** Requests under way, by the client's id. */
  readonly calls = new Map<number | string, Call>();
  /** Streams that have values waiting for room in the outbox. */
  readonly waiting = new Set<Call>();
  outbox!: Outbox;
  /** Bytes of one payload that it is sent at most. */
  maxReplySize: number;
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

  private signers: GenerationMap<{ readonly signer: object; readonly identity: ZmqPeer }> | undefined = undefined;
  private readonly onOverflow: () => void;
  /** Bytes of one payload that the client takes. */
  private readonly accepts: number;

  constructor(fields: PeerFields) {
    const { id, binary, maxReplySize, maxMessageSize = maxReplySize, account, origin, now, onOverflow } = fields;
    this.id = id;
    this.proven = fields.proven ?? origin?.identity;
    this.origin = origin;
    this.identity = identityOf(id, account.address, origin, this.proven);
    peers.set(this.identity, this);
    this.account = account;
    this.binary = binary;
    this.accepts = maxReplySize;
    this.maxReplySize = Math.min(maxReplySize, maxMessageSize);
    this.lastSeen = now;
    this.lastSent = now;
    this.onOverflow = onOverflow;
  }

  /**
   * What handlers see of the peer when somebody has signed what it sends: his name in the place of whoever made the
   * connection, with his roles and those of the listener, but none of whoever passes it on. The same object each time, unless too many sign by turns.
   */
  signedBy(signer: Required<ZmqIdentity>): ZmqPeer {
    const { name, roles } = signer;
    this.signers ??= new GenerationMap(MAX_SIGNERS);
    const known = this.signers.get(name);
    if (known?.signer === signer) {
      return known.identity;
    }
    const all = Object.freeze([...new Set([...(this.origin?.listenerRoles ?? []), ...roles])]);
    // The certificate is that of whoever passes it on.
    const { certificate: _certificate, ...connection } = this.identity;
    const identity = Object.freeze({ ...connection, identity: name, roles: all });
    peers.set(identity, this);
    this.signers.set(name, { signer, identity });
    return identity;
  }

  get congested(): boolean {
    return this.outbox.bytes >= STREAM_HIGH_WATER;
  }

  /** The server lets through payloads of another size from now on. */
  adjust(maxMessageSize: number): void {
    this.maxReplySize = Math.min(this.accepts, maxMessageSize);
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

/** What handlers see of a peer. */
function identityOf(
  id: string,
  address: string | undefined,
  origin: PeerOrigin | undefined,
  proven: Required<ZmqIdentity> | undefined,
): ZmqPeer {
  const { address: remoteAddress, listener, mechanism, listenerRoles = [], certificate } = origin ?? {};
  return Object.freeze({
    id: publicIdOf(id),
    ...(address !== undefined && { address }),
    ...(remoteAddress !== undefined && { remoteAddress }),
    ...(listener !== undefined && { listener }),
    ...(mechanism !== undefined && { mechanism }),
    ...(proven !== undefined && { identity: proven.name }),
    roles: Object.freeze([...new Set([...listenerRoles, ...(proven?.roles ?? [])])]),
    ...(certificate !== undefined && { certificate }),
  });
}
