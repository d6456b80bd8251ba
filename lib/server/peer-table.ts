import type { ZmqException } from '../errors/zmq.exception.js';
import type { Peer } from './peer.js';

export interface PeerTableOptions {
  readonly maxPeers: number;
  /** Milliseconds of silence after which a peer that keeps a session is taken for dead. */
  readonly leaseTimeout: number;
  /** Milliseconds without a message to a peer after which it is shown that the server lives. */
  readonly heartbeatInterval: number;
  /** Milliseconds after which a peer that takes no replies is given up. */
  readonly stallTimeout: number;
}

export type Departure =
  | 'disconnected'
  | 'lease expired'
  | 'stalled'
  | 'overflow'
  | 'malformed'
  | 'violation'
  | 'identity changed'
  | 'idle'
  | 'closed';

/** Milliseconds after which a peer in JSON mode that has nothing under way is forgotten; it has no session to lose. */
const JSON_IDLE_MS = 60_000;

export interface PeerTableEvents {
  heartbeat(peer: Peer): void;
  /** The peer is out of the table. `undelivered` packets never left for it. */
  departed(peer: Peer, why: Departure, undelivered: number): void;
}

/** The clients that a server knows, at most `maxPeers` of them. */
export class PeerTable {
  private readonly peers = new Map<string, Peer>();

  constructor(
    private options: PeerTableOptions,
    private readonly events: PeerTableEvents,
  ) {}

  adjust(options: PeerTableOptions): void {
    this.options = options;
  }

  get size(): number {
    return this.peers.size;
  }

  get(id: string): Peer | undefined {
    return this.peers.get(id);
  }

  /** Adds a peer, in the place of an idle one without a session if need be; `false` if there is no place. */
  add(peer: Peer): boolean {
    if (this.peers.size >= this.options.maxPeers && !this.forgetIdle()) {
      return false;
    }
    this.peers.set(peer.id, peer);
    return true;
  }

  [Symbol.iterator](): IterableIterator<Peer> {
    return this.peers.values();
  }

  /** Ends what a peer has under way and forgets it. */
  remove(peer: Peer, why: Departure, reason: ZmqException): void {
    if (this.peers.get(peer.id) !== peer) {
      return;
    }
    this.peers.delete(peer.id);
    peer.departed = true;
    for (const call of peer.calls.values()) {
      call.cancel(reason);
    }
    this.events.departed(peer, why, peer.outbox.close());
  }

  /** Looks after all peers; to be called about once a second. `leasesRun` is false while nothing is read from anybody. */
  sweep(now: number, leasesRun: boolean, expire: (peer: Peer, why: Departure) => void): void {
    const { leaseTimeout, heartbeatInterval, stallTimeout } = this.options;
    for (const peer of this.peers.values()) {
      if (peer.stalledSince !== undefined && now - peer.stalledSince > stallTimeout) {
        expire(peer, 'stalled');
      } else if (peer.binary && leasesRun && now - peer.lastSeen > leaseTimeout) {
        expire(peer, 'lease expired');
      } else if (peer.binary && now - peer.lastSent > heartbeatInterval) {
        this.events.heartbeat(peer);
      } else if (isIdle(peer) && now - peer.lastSeen > JSON_IDLE_MS) {
        this.forget(peer);
      }
    }
  }

  private forgetIdle(): boolean {
    for (const peer of this.peers.values()) {
      if (isIdle(peer)) {
        this.forget(peer);
        return true;
      }
    }
    return false;
  }

  /** Its next message makes it a peer again. */
  private forget(peer: Peer): void {
    this.peers.delete(peer.id);
    this.events.departed(peer, 'idle', 0);
  }
}

function isIdle(peer: Peer): boolean {
  return !peer.binary && peer.calls.size === 0 && peer.outbox.idle;
}
