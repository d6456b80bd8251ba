import type { ZmqErrorObject } from '../errors/zmq.exception.js';
import type { QueuedPacket } from '../socket/queued-packet.js';

/** Writes the answers to one request, in the form that its sender understands. */
export interface Replies {
  /**
   * @throws {@link ZmqException} `RESPONSE_TOO_LARGE`, or `MALFORMED` for a value that cannot be encoded.
   */
  value(value: unknown, last: boolean): QueuedPacket;
  complete(): QueuedPacket;
  error(error: ZmqErrorObject): QueuedPacket;
  /** Makes a packet that has not left yet the last one. */
  markLast(packet: QueuedPacket): void;
}

/** Where answers go: the peer's outbox, or what gathers them for a peer that can take one message only. */
export interface ReplySink {
  /** Whether so much waits in it that streams should hold back. */
  readonly congested: boolean;
  /** Whether what finds no room now will find some later. */
  readonly canWait: boolean;
  /** What to tell the caller when an answer finds no room. */
  readonly overflowCode: 'BACKPRESSURE' | 'RESPONSE_TOO_LARGE';
  hasRoom(bytes: number): boolean;
  push(packet: QueuedPacket): void;
  /** Told when a call has its last answer. */
  settle?(): void;
  /** Nobody waits for the answers any more. */
  abandon?(): void;
}
