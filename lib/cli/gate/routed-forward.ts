import type { GateServerSocket } from '../../gate/gate-server-socket.js';
import type { PeerAccount } from '../../limits/peer-account.js';
import type { Forward, ForwardEvents } from './forward.js';
import { RoutedPeer } from './routed-peer.js';
import type { ServiceRoute } from './service-link.js';

export interface RoutedForwardOptions {
  readonly gate: Pick<GateServerSocket, 'send' | 'drop'>;
  readonly route: ServiceRoute;
  readonly events: ForwardEvents;
  /** Milliseconds for which the service may take its time with what a peer sent before it left. */
  readonly leaveTimeout: number;
}

/** Peers that have gone and whose last messages wait for the service; the longest gone makes room for the next. */
const MAX_LEAVING = 1_024;

/** Carries to a ROUTER or REP: each peer has a connection of its own, so that the service tells them apart. */
export class RoutedForward implements Forward {
  private readonly peers = new Map<string, RoutedPeer>();
  private readonly leaving = new Set<RoutedPeer>();

  constructor(private readonly options: RoutedForwardOptions) {
    options.route.holdings.onReplyRoom = () => {
      for (const peer of this.peers.values()) {
        peer.updateReading();
      }
    };
  }

  get isDrained(): boolean {
    return [...this.peers.values(), ...this.leaving].every(peer => peer.isDrained);
  }

  take(peerId: string, frames: Buffer[], account: PeerAccount): void {
    this.options.events.received(frames);
    (this.peers.get(peerId) ?? this.add(peerId, account)).request(frames);
  }

  peerGone(peerId: string): void {
    const peer = this.peers.get(peerId);
    if (peer === undefined) {
      return;
    }
    this.peers.delete(peerId);
    this.leaving.add(peer);
    peer.leave(this.options.leaveTimeout);
    if (this.leaving.size > MAX_LEAVING) {
      const [longest] = this.leaving;
      longest?.abort();
    }
  }

  close(timeout: number): void {
    for (const [id, peer] of this.peers) {
      this.peers.delete(id);
      this.leaving.add(peer);
      peer.leave(timeout);
    }
  }

  private add(id: string, account: PeerAccount): RoutedPeer {
    const { route, gate, events } = this.options;
    const onEnded = (ended: RoutedPeer) => {
      this.leaving.delete(ended);
      if (this.peers.get(id) === ended) {
        this.peers.delete(id);
      }
    };
    const peer = new RoutedPeer({ id, route, gate, account, events, onEnded });
    this.peers.set(id, peer);
    return peer;
  }
}
