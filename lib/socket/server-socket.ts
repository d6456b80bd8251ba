/** What became of a message given to a socket: `full` means that the peer takes no more for now, `gone` that it has left. */
export type SendOutcome = 'sent' | 'full' | 'gone' | 'closed';

export interface ServerSocketListener {
  /** A whole message. `peerId` stands for the sender's connection as long as that lives. */
  message(peerId: string, frames: Buffer[], address: string | undefined): void;
  /** Some peer has gone. Engines that know which one name it. */
  peerGone(peerId: string | undefined): void;
  /** The socket can no longer serve. */
  failed(error: Error): void;
}

/** The server's end of an engine: binds, receives whole messages with their sender, and sends to one peer. */
export interface ServerSocket {
  /** The real addresses, with ports resolved; empty until bound. */
  readonly endpoints: readonly string[];

  /**
   * Binds every endpoint, all or none, then delivers messages to `listener`.
   *
   * @throws {@link ZmqException} `BIND_FAILED` that names the endpoint.
   */
  open(listener: ServerSocketListener): Promise<void>;
  send(peerId: string, frames: Buffer[]): Promise<SendOutcome>;
  /** Stops reading; what was under way may still be delivered. */
  pause(): void;
  resume(): void;
  /** Stops, lets unsent messages leave within the linger time, and resolves when the addresses are free again. */
  close(): Promise<void>;
  /** The library's own socket object. */
  unwrap(): unknown;
}
