import type { ZmqException } from '../errors/zmq.exception.js';
import { OutgoingPacket } from '../wire/packet.js';

/** What a packet costs in memory beside its payload and pattern, in bytes. */
const PACKET_OVERHEAD = 128;

/** A packet in an outbox. */
export class QueuedPacket extends OutgoingPacket {
  /** Set to skip the packet if it has not left yet. */
  cancelled = false;
  /** Whether flow control has let the packet pass. */
  admitted = false;
  /** Whether the packet has been handed to the socket, after which it can no longer change. */
  sent = false;
  /** Told once the packet has been handed to the socket, or why it never will be. */
  onSettled: ((failure: ZmqException | undefined) => void) | undefined = undefined;

  /** The packet has been handed to the socket, or never will be. */
  settle(failure: ZmqException | undefined): void {
    this.onSettled?.(failure);
  }

  /** Bytes to charge while the packet waits. */
  get charge(): number {
    return this.payload.maxSize + this.pattern.length + this.metadata.length + PACKET_OVERHEAD;
  }
}
