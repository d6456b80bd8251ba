import { ZmqException } from '../errors/zmq.exception.js';
import { OutgoingPacket, PacketKind } from '../wire/packet.js';
import { encodePayload } from '../wire/payload-codec.js';

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

  /** The packet cannot be written, e.g. because its Buffer was given away meanwhile. Returns what to send instead. */
  replacement(): QueuedPacket | undefined {
    const failure = new ZmqException('INTERNAL', 'The payload changed before it was sent and cannot be encoded.');
    this.settle(failure);
    return this.kind === PacketKind.Response
      ? new QueuedPacket(PacketKind.Error, this.id, encodePayload(failure.toJSON(), 'json'))
      : undefined;
  }

  /** Bytes to charge while the packet waits. */
  get charge(): number {
    return this.payload.maxSize + this.pattern.length + this.metadata.length + PACKET_OVERHEAD;
  }
}
