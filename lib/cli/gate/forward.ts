import type { PeerAccount } from '../../limits/peer-account.js';

/** Takes what peers have sent to the service. */
export interface Forward {
  /** Whether the service has taken everything, and answered what it is going to answer, as far as that can be told. */
  readonly isDrained: boolean;
  take(peerId: string, frames: Buffer[], account: PeerAccount): void;
  peerGone(peerId: string): void;
  /** Sends what waits within `timeout` ms and closes all connections. */
  close(timeout: number): void;
}

/** What happens between the gate and the service, for counters and logs. */
export interface ForwardEvents {
  received(frames: readonly Buffer[]): void;
  answered(frames: readonly Buffer[]): void;
  /** So many messages will never arrive. */
  dropped(messages: number): void;
  serviceUp(): void;
  serviceDown(reason: string): void;
}
