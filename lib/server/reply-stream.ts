import { ZmqException } from '../errors/zmq.exception.js';
import type { HeldBytes } from '../limits/peer-account.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import type { ReplySink } from './replies.js';

/** Values that have left the buffer before it is made shorter. */
const COMPACT_FROM = 256;

export interface ReplyStreamOptions {
  readonly sink: ReplySink;
  /** Values that the caller takes ahead; 0 for any number. */
  readonly window: number;
  readonly maxBytes: number;
  readonly budget: HeldBytes;
}

/** The values of one call on their way out: as many as the caller has asked for leave, the rest waits within a bound. */
export class ReplyStream {
  /** The youngest value, which becomes the last one if the call completes before it leaves. */
  lastPacket: QueuedPacket | undefined = undefined;
  private credit: number;
  private buffer: QueuedPacket[] = [];
  private head = 0;
  private held = 0;

  constructor(private readonly options: ReplyStreamOptions) {
    this.credit = options.window === 0 ? Number.POSITIVE_INFINITY : options.window;
  }

  get empty(): boolean {
    return this.head === this.buffer.length;
  }

  /** Whether a value could leave at once. */
  get ready(): boolean {
    return this.empty && this.credit > 0 && !this.options.sink.congested;
  }

  /** Whether it waits for room at the sink, and not for the caller to ask for more. */
  get blockedBySink(): boolean {
    return this.credit > 0 && (this.options.sink.congested || !this.empty);
  }

  grant(amount: number): void {
    this.credit += amount;
  }

  /**
   * @throws {@link ZmqException} when too much waits for the caller: `BACKPRESSURE`, or `RESPONSE_TOO_LARGE` to a REQ socket.
   */
  push(packet: QueuedPacket): void {
    this.lastPacket = packet;
    if (this.empty && this.mayLeave(packet)) {
      this.leave(packet);
      return;
    }
    const { maxBytes, budget } = this.options;
    const { charge } = packet;
    const overflows = this.held > 0 && this.held + charge > maxBytes;
    if (overflows || budget.exceeded) {
      throw new ZmqException('BACKPRESSURE', 'The consumer of the stream is too slow for its producer.', {
        details: { limit: maxBytes },
      });
    }
    this.buffer.push(packet);
    this.held += charge;
    budget.charge(charge);
  }

  /** Lets waiting values leave as far as they may; says whether none is left. */
  pump(): boolean {
    for (let packet = this.buffer[this.head]; packet !== undefined; packet = this.buffer[this.head]) {
      if (!this.mayLeave(packet)) {
        break;
      }
      this.head++;
      this.held -= packet.charge;
      this.options.budget.release(packet.charge);
      this.leave(packet);
    }
    // A buffer that is never quite empty must not keep what has left it.
    if (this.empty || this.head >= COMPACT_FROM) {
      this.buffer = this.buffer.slice(this.head);
      this.head = 0;
    }
    return this.empty;
  }

  close(): void {
    this.options.budget.release(this.held);
    this.buffer = [];
    this.head = 0;
    this.held = 0;
    this.lastPacket = undefined;
  }

  private mayLeave({ charge }: QueuedPacket): boolean {
    const { sink } = this.options;
    return this.credit > 0 && !sink.congested && (sink.hasRoom(charge) || !sink.canWait);
  }

  private leave(packet: QueuedPacket): void {
    const { sink } = this.options;
    if (!sink.hasRoom(packet.charge)) {
      throw new ZmqException(sink.overflowCode, 'The values of the stream found no room on their way to the caller.');
    }
    this.credit--;
    sink.push(packet);
  }
}
