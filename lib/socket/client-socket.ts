import type { SendOutcome } from './server-socket.js';

export interface ClientSocketListener {
  message(frames: Buffer[]): void;
  /** The connection could not be made or has ended. Called once at most; the socket is of no more use. */
  lost(reason: string): void;
}

/** One connection to one endpoint, from its first attempt to its end. A new connection is a new socket. */
export interface ClientSocket {
  open(listener: ClientSocketListener): void;
  /** Resolves once the message is taken; waits while the peer takes no more. One call at a time. */
  send(frames: Buffer[]): Promise<SendOutcome>;
  /** Ends the connection; unsent messages may leave within `linger` milliseconds. */
  close(linger: number): void;
  unwrap(): unknown;
}
