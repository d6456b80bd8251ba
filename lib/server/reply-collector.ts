import { ZmqException } from '../errors/zmq.exception.js';
import type { HeldBytes } from '../limits/peer-account.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import { JsonMessage, JsonReplies } from './json-replies.js';
import type { ReplySink } from './replies.js';

export interface ReplyCollectorOptions {
  /** Items of the message, each of which is answered. */
  readonly requests: number;
  /** Bytes of the whole answer. */
  readonly maxSize: number;
  readonly sink: ReplySink;
  readonly budget: HeldBytes;
}

/**
 * Gathers all answers to one message of a REQ socket, which takes exactly one message before it may send again: one
 * answer goes out as an object, several as an array.
 */
export class ReplyCollector implements ReplySink {
  readonly congested = false;
  readonly canWait = false;
  readonly overflowCode = 'RESPONSE_TOO_LARGE';
  private readonly messages: JsonMessage[] = [];
  private open: number;
  private held = 0;
  /** Whether answers were left out because there are too many already. */
  private overflowed = false;
  /** Whether nobody waits for the answers any more. */
  private isOver = false;

  constructor(private readonly options: ReplyCollectorOptions) {
    this.open = options.requests;
  }

  hasRoom(bytes: number): boolean {
    return this.held + bytes <= this.options.maxSize && !this.options.budget.exceeded;
  }

  push(packet: QueuedPacket): void {
    const { charge } = packet;
    if (this.isOver) {
      return;
    }
    if (this.held > this.options.maxSize) {
      // Errors come in without asking for room.
      this.overflowed = true;
      return;
    }
    this.messages.push(packet as JsonMessage);
    this.held += charge;
    this.options.budget.charge(charge);
  }

  /** One of the requests has got its last answer. */
  settle(): void {
    this.open--;
    if (this.open === 0) {
      const answer = this.combined();
      this.abandon();
      this.options.sink.push(answer);
    }
  }

  abandon(): void {
    this.isOver = true;
    this.options.budget.release(this.held);
    this.held = 0;
    this.messages.length = 0;
  }

  private combined(): QueuedPacket {
    const texts = this.messages.map(({ text }) => text);
    const message = new JsonMessage(texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(',')}]`, true);
    const { maxSize } = this.options;
    const actual = Buffer.byteLength(message.text);
    if (actual <= maxSize && !this.overflowed) {
      return message;
    }
    const error = new ZmqException(
      'RESPONSE_TOO_LARGE',
      `The answers have ${actual} bytes, more than the ${maxSize} allowed.`,
      {
        details: { limit: maxSize, actual },
      },
    );
    return new JsonReplies({ id: undefined, delimited: true, maxSize, serializer: undefined }).error(error.toJSON());
  }
}
