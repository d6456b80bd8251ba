import type { SendOutcome } from './server-socket.js';

/** One side does not accept who the other one is: trying again will not help. */
export type LossCode = 'UNAUTHENTICATED';

export interface ClientSocketListener {
  message(frames: Buffer[]): void;
  /** The connection could not be made or has ended. Called once at most; the socket is of no more use. */
  lost(reason: string, code?: LossCode): void;
}

/** One connection to one endpoint, from its first attempt to its end. A new connection is a new socket. */
export interface ClientSocket {
  open(listener: ClientSocketListener): void;
  /** The outcome once the message is taken; waits while the peer takes no more. One call at a time. */
  send(frames: Buffer[]): SendOutcome | Promise<SendOutcome>;
  /** What proves in the hello who this client is, where the engine itself cannot tell the server. Made anew for each hello. */
  helloProof?(): object | undefined;
  /** Ends the connection; unsent messages may leave within `linger` milliseconds. */
  close(linger: number): void;
  unwrap(): unknown;
}
