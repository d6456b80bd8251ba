import type { ZmqMechanism } from '../options/authenticator.js';

/** What a connection does at the moment: it is being made, served, not read from for a limit, or for an operator. */
export type ZmqPeerState = 'handshake' | 'open' | 'paused' | 'held';

/** One connection, or where the engine does not know connections one session, as an operator sees it. */
export interface ZmqPeerReport {
  /** As `ZmqPeer.id` and `ZmqViolation.peerId`. */
  readonly id: string;
  /** Network address as limits count it, of IPv6 its /64 network, where the engine knows it. */
  readonly address: string | undefined;
  readonly identity: string | undefined;
  readonly listener: string | undefined;
  readonly mechanism: ZmqMechanism | undefined;
  readonly state: ZmqPeerState;
  /** When it connected, in milliseconds since the epoch. */
  readonly since: number;
  /** Messages that have come of it. */
  readonly messages: number;
  /** Bytes that have come of it, and that went to it. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Bytes held now on its behalf: incomplete messages, requests being handled, replies not yet sent. */
  readonly heldBytes: number;
  /** Its requests that are being handled. */
  readonly running: number;
  /** Violations that it has been blamed for. */
  readonly violations: number;
}

/** An address that is shut out. */
export interface ZmqBan {
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}
