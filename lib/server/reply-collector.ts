import { ZmqException } from '../errors/zmq.exception.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import { JsonMessage, JsonReplies } from './json-replies.js';
import type { ReplySink } from './replies.js';

/**
 * Gathers all answers to one message of a REQ socket, which takes exactly one message before it may send again: one
 * answer goes out as an object, several as an array.
 */
export class ReplyCollector implements ReplySink {
  readonly congested = false;
  readonly overflowCode = 'RESPONSE_TOO_LARGE';
  private readonly messages: JsonMessage[] = [];
  private open: number;
  private held = 0;

  constructor(
    private readonly options: { readonly requests: number; readonly maxSize: number; readonly sink: ReplySink },
  ) {
    this.open = options.requests;
  }

  hasRoom(bytes: number): boolean {
    return this.held + bytes <= this.options.maxSize;
  }

  push(packet: QueuedPacket): void {
    this.messages.push(packet as JsonMessage);
    this.held += packet.charge;
  }

  /** One of the requests has got its last answer. */
  settle(): void {
    this.open--;
    if (this.open === 0) {
      this.options.sink.push(this.combined());
    }
  }

  private combined(): QueuedPacket {
    const texts = this.messages.map(({ text }) => text);
    const message = new JsonMessage(texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(',')}]`, true);
    const { maxSize } = this.options;
    const actual = Buffer.byteLength(message.text);
    if (actual <= maxSize) {
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
