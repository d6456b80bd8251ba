import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { PeerAccount } from '../limits/peer-account.js';
import type { PeerOrigin } from '../security/verdict.js';

/** What became of a message given to a socket: `full` means that the peer takes no more for now, `gone` that it has left. */
export type SendOutcome = 'sent' | 'full' | 'gone' | 'closed';

export interface ServerSocketListener {
  /**
   * A whole message. `peerId` stands for the sender's connection as long as that lives. Engines that know who sent it
   * give the account to charge for what is held on the sender's behalf. `origin` tells where the connection came to, and
   * who has been proven to have made it; it is the same object for all messages of a connection.
   */
  message(peerId: string, frames: Buffer[], account: PeerAccount | undefined, origin?: PeerOrigin): void;
  /** Some peer has gone. Engines that know which one name it, and why if it was their doing. */
  peerGone(peerId: string | undefined, why?: ZmqViolationKind): void;
  /** Somebody broke a limit of the engine. */
  violation?(violation: ZmqViolation): void;
  /** The socket can no longer serve. */
  failed(error: Error): void;
}

/** What an engine holds. */
export interface SocketUsage {
  readonly connections: number;
  /** Connections from which nothing is read at the moment. */
  readonly paused: number;
  readonly receivingBytes: number;
}

/** The server's end of an engine: binds, receives whole messages with their sender, and sends to one peer. */
export interface ServerSocket {
  /** The real addresses, with ports resolved; empty until bound. */
  readonly endpoints: readonly string[];
  /** What the engine itself holds, where it can tell. */
  readonly usage?: SocketUsage;

  /**
   * Binds every endpoint, all or none, then delivers messages to `listener`.
   *
   * @throws {@link ZmqException} `BIND_FAILED` that names the endpoint.
   */
  open(listener: ServerSocketListener): Promise<void>;
  /** An outcome at once where nothing has to be waited for. One call at a time for each peer. */
  send(peerId: string, frames: Buffer[]): SendOutcome | Promise<SendOutcome>;
  /** Books a violation of a peer and does about it what the user wants done, where the engine can. */
  disconnect(peerId: string, kind: ZmqViolationKind, figures?: ZmqViolation['figures']): void;
  /** Books a violation that has been answered by a refusal. */
  note(peerId: string, kind: ZmqViolationKind, figures?: ZmqViolation['figures']): void;
  /** Stops reading; what was under way may still be delivered. */
  pause(): void;
  resume(): void;
  /** Ends the connections whose origin no longer holds, where the engine can: somebody has been taken off the list. */
  review?(holds: (origin: PeerOrigin) => boolean): void;
  /** Stops, lets unsent messages leave within the linger time, and resolves when the addresses are free again. */
  close(): Promise<void>;
  /** The library's own socket object. */
  unwrap(): unknown;
}
