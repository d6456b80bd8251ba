import type { Serializer } from '@nestjs/microservices';
import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';
import type { MessageEncoder } from '../socket/outbox.js';
import { QueuedPacket } from '../socket/queued-packet.js';
import { encodeJsonReply } from '../wire/json-mode.js';
import { NO_PAYLOAD, PacketKind } from '../wire/packet.js';
import { serialized, shortError } from './binary-replies.js';
import type { Replies } from './replies.js';

const EMPTY_FRAME = Buffer.alloc(0);

/** A message in JSON mode that waits to be sent. */
export class JsonMessage extends QueuedPacket {
  /** Of the text at first: what is charged must be what is released, although the mark of the last answer is added. */
  private readonly size: number;

  constructor(
    public text: string,
    /** Whether an empty frame goes before it, as a REQ socket expects. */
    readonly delimited: boolean,
  ) {
    super(PacketKind.Response, 0, NO_PAYLOAD);
    this.size = text.length;
  }

  override get charge(): number {
    return this.size + super.charge;
  }
}

/** Sends every JSON message as a ZeroMQ message of its own. */
export const jsonEncoder: MessageEncoder = {
  maxPackets: 1,
  encode(queue, from) {
    const { text, delimited } = queue[from] as JsonMessage;
    const frame = Buffer.from(text);
    return { frames: delimited ? [EMPTY_FRAME, frame] : [frame], count: 1 };
  },
};

export interface JsonRepliesOptions {
  /** Absent when the message was so wrong that it has none. */
  readonly id: string | undefined;
  readonly delimited: boolean;
  /** Bytes of one message. */
  readonly maxSize: number;
  /** Bytes of an error, which limits of a handler do not make smaller. @defaultValue maxSize */
  readonly maxErrorSize?: number;
  readonly serializer: Serializer | undefined;
}

/** {@link Replies} to a peer that speaks JSON. */
export class JsonReplies implements Replies {
  constructor(private readonly options: JsonRepliesOptions) {}

  value(value: unknown, last: boolean): QueuedPacket {
    const { id, serializer, maxSize } = this.options;
    const response =
      serializer === undefined ? value : serialized(serializer, { id, response: value, isDisposed: last });
    const message = this.message(encodeJsonReply({ id, response, last }));
    const { length } = message.text;
    if (length * 3 > maxSize && Buffer.byteLength(message.text) > maxSize) {
      const actual = Buffer.byteLength(message.text);
      throw new ZmqException(
        'RESPONSE_TOO_LARGE',
        `The response has ${actual} bytes, more than the ${maxSize} allowed.`,
        {
          details: { limit: maxSize, actual },
        },
      );
    }
    return message;
  }

  complete(): QueuedPacket {
    return this.message(encodeJsonReply({ id: this.options.id, last: true }));
  }

  error(error: ZmqErrorObject): QueuedPacket {
    const { id, maxSize, maxErrorSize = maxSize } = this.options;
    try {
      const text = encodeJsonReply({ id, error, last: true });
      if (text.length * 3 <= maxErrorSize || Buffer.byteLength(text) <= maxErrorSize) {
        return this.message(text);
      }
    } catch {
      // Falls through to the short form.
    }
    return this.message(encodeJsonReply({ id, error: shortError(error), last: true }));
  }

  markLast(packet: QueuedPacket): void {
    const message = packet as JsonMessage;
    message.text = `${message.text.slice(0, -1)},"isDisposed":true}`;
  }

  private message(text: string): JsonMessage {
    return new JsonMessage(text, this.options.delimited);
  }
}
