import type { Serializer } from '@nestjs/microservices';
import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';
import { QueuedPacket } from '../socket/queued-packet.js';
import { NO_PAYLOAD, PacketKind, PayloadEncoding, type EncodedPayload } from '../wire/packet.js';
import { encodePayload, exactSize } from '../wire/payload-codec.js';
import type { Replies } from './replies.js';

export interface BinaryRepliesOptions {
  readonly id: number;
  /** The encoding of the request, in which it is answered. */
  readonly encoding: 'json' | 'msgpack';
  /** Bytes of one payload. */
  readonly maxSize: number;
  /** Bytes of an error, which limits of a handler do not make smaller. @defaultValue maxSize */
  readonly maxErrorSize?: number;
  readonly serializer: Serializer | undefined;
}

/** {@link Replies} to a peer that speaks binary batches. */
export class BinaryReplies implements Replies {
  constructor(private readonly options: BinaryRepliesOptions) {}

  value(value: unknown, last: boolean): QueuedPacket {
    const { id, encoding, maxSize, serializer } = this.options;
    const response =
      serializer === undefined ? value : serialized(serializer, { id, response: value, isDisposed: last });
    const payload = encodePayload(response, encoding);
    if (last && payload.encoding === PayloadEncoding.None) {
      return this.complete();
    }
    assertFits(payload, maxSize);
    const packet = new QueuedPacket(PacketKind.Response, id, payload);
    packet.last = last;
    return packet;
  }

  complete(): QueuedPacket {
    return new QueuedPacket(PacketKind.Complete, this.options.id, NO_PAYLOAD);
  }

  error(error: ZmqErrorObject): QueuedPacket {
    const { id, maxSize, maxErrorSize = maxSize } = this.options;
    return new QueuedPacket(PacketKind.Error, id, errorPayload(error, maxErrorSize));
  }

  markLast(packet: QueuedPacket): void {
    packet.last = true;
  }
}

/** An error as a payload; one that cannot be encoded, or is itself too large, loses all but the beginning of its code and message. */
export function errorPayload(error: ZmqErrorObject, maxSize: number): EncodedPayload {
  try {
    const payload = encodePayload(error, 'json');
    if (payload.maxSize <= maxSize || exactSize(payload) <= maxSize) {
      return payload;
    }
  } catch {
    // Falls through to the short form.
  }
  return encodePayload(shortError(error), 'json');
}

/** What is left of an error that is too large. A code may come from a handler, so it is not short by itself. */
export function shortError({ code, message }: ZmqErrorObject): ZmqErrorObject {
  return { code: code.slice(0, 100), message: message.slice(0, 200) };
}

/** The response in what a Nest serializer made of a reply: the field `response`, or else the whole. */
export function serialized(
  serializer: Serializer,
  reply: { id: unknown; response: unknown; isDisposed: boolean },
): unknown {
  const output: unknown = serializer.serialize(reply);
  assertSynchronous(output);
  return typeof output === 'object' && output !== null && ('response' in output || 'isDisposed' in output)
    ? (output as { response?: unknown }).response
    : output;
}

/**
 * Nest's serializers answer at once; the promise of one that does not would be sent as `{}`.
 *
 * @throws {@link ZmqException} `INTERNAL`
 */
function assertSynchronous(output: unknown): void {
  if (output instanceof Promise) {
    output.catch(() => undefined);
    throw new ZmqException('INTERNAL', 'A serializer must return its result, not a promise of it.');
  }
}

export function assertFits(payload: EncodedPayload, maxSize: number): void {
  if (payload.maxSize > maxSize) {
    const actual = exactSize(payload);
    if (actual > maxSize) {
      throw new ZmqException(
        'RESPONSE_TOO_LARGE',
        `The response has ${actual} bytes, more than the ${maxSize} allowed.`,
        {
          details: { limit: maxSize, actual },
        },
      );
    }
  }
}
