import { systemClock, type Clock } from '../limits/clock.js';
import type { Peer } from './peer.js';

const MIN_DELAY_MS = 2;
const MAX_DELAY_MS = 50;

/** Peers whose queue in libzmq is full. It does not say when there is room again, so sending is tried again by time. */
export class StalledPeers {
  private readonly peers = new Set<Peer>();
  private delay = MIN_DELAY_MS;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly clock: Clock = systemClock) {}

  add(peer: Peer): void {
    peer.stalledSince ??= this.clock.now();
    this.peers.add(peer);
    this.stopTimer ??= this.clock.after(this.delay, this.retry);
  }

  delete(peer: Peer): void {
    peer.stalledSince = undefined;
    if (this.peers.delete(peer)) {
      this.delay = MIN_DELAY_MS;
    }
  }

  clear(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.peers.clear();
  }

  private readonly retry = (): void => {
    this.stopTimer = undefined;
    this.delay = Math.min(this.delay * 2, MAX_DELAY_MS);
    for (const peer of this.peers) {
      peer.outbox.retry();
    }
    if (this.peers.size > 0) {
      this.stopTimer ??= this.clock.after(this.delay, this.retry);
    }
  };
}
