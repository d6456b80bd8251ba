import type { Serializer } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import { formatBytes } from '../options/bytes.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import { PayloadEncoding } from '../wire/packet.js';
import { routeOf } from '../wire/pattern.js';
import { exactSize } from '../wire/payload-codec.js';
import { MAX_METADATA_BYTES, MAX_PATTERN_BYTES } from '../wire/wire-limits.js';
import { ParcelPacket } from './parcel-packet.js';
import { assertUnsigned } from './signing.js';
import type { Welcome } from './welcome.js';

/** What is written into a packet. */
export interface Letter {
  readonly route: string;
  readonly data: unknown;
  /** JSON text, `''` for none. */
  readonly metadata: string;
}

/**
 * What a Nest serializer of the user's own makes of a packet: its fields where it returns a packet, else the data.
 *
 * @throws {@link ZmqException} `INTERNAL` for a promise, `INVALID_OPTIONS` for metadata with the key of signatures
 */
export function payloadOf(serializer: Serializer, id: number, { route, data, metadata }: Letter): Letter {
  const output: unknown = serializer.serialize({
    pattern: route,
    data,
    ...(id !== 0 && { id: String(id) }),
    ...(metadata !== '' && { metadata: JSON.parse(metadata) as unknown }),
  });
  if (output instanceof Promise) {
    output.catch(() => undefined);
    throw new ZmqException('INTERNAL', 'A serializer must return its result, not a promise of it.');
  }
  if (typeof output !== 'object' || output === null || !('pattern' in output)) {
    return { route, data: output, metadata };
  }
  const packet = output as { pattern: unknown; data?: unknown; metadata?: unknown };
  const revised = packet.metadata === undefined ? '' : ((JSON.stringify(packet.metadata) as string | undefined) ?? '');
  assertUnsigned(revised);
  return { route: routeOf(packet.pattern) ?? route, data: packet.data, metadata: revised };
}

/**
 * Refuses here what the server would refuse, before it crosses the network.
 *
 * @throws {@link ZmqException} `PAYLOAD_TOO_LARGE` with the limit and the actual size, `MALFORMED` for what is no pattern, `INVALID_OPTIONS` for an encoding that the server lacks.
 */
export function assertSendable(packet: QueuedPacket, welcome: Welcome | undefined): void {
  // The server would end the session, and with it every other request. Nest hands on as a route whatever it was given.
  if (typeof packet.pattern !== 'string' || packet.pattern === '') {
    throw new ZmqException('MALFORMED', 'A pattern is a non-empty string, a number or an object.');
  }
  if (welcome === undefined) {
    return;
  }
  const { maxMessageSize, maxPatternLength, maxMetadataSize } = welcome.limits;
  if (packet.payload.maxSize > maxMessageSize) {
    assertFits({ what: 'payload', limit: maxMessageSize, actual: exactSize(packet.payload) });
  }
  const limit = welcome.maxSizes?.get(packet.pattern);
  if (limit !== undefined && packet.payload.maxSize > limit) {
    assertFits({ what: 'payload', limit, actual: exactSize(packet.payload), pattern: packet.pattern });
  }
  // A server may announce more than the format can carry.
  assertTextFits('pattern', packet.pattern, Math.min(maxPatternLength, MAX_PATTERN_BYTES));
  if (packet.metadata !== '') {
    const isSigned = packet instanceof ParcelPacket && packet.unsigned !== undefined;
    const limitOfMetadata = Math.min(maxMetadataSize, MAX_METADATA_BYTES);
    assertTextFits('metadata', packet.metadata, limitOfMetadata, isSigned ? ' with the signature' : '');
  }
  if (packet.payload.encoding === PayloadEncoding.MsgPack && !welcome.encodings.includes('msgpack')) {
    throw new ZmqException(
      'INVALID_OPTIONS',
      'The server does not take the encoding msgpack: it needs the package "msgpackr".',
    );
  }
}

/** @param addition what is counted with it */
function assertTextFits(what: string, text: string, limit: number, addition = ''): void {
  if (text.length * 3 > limit) {
    assertFits({ what, addition, limit, actual: Buffer.byteLength(text) });
  }
}

interface Fit {
  readonly what: string;
  readonly addition?: string;
  readonly limit: number;
  readonly actual: number;
  /** Where the limit is that of one handler. */
  readonly pattern?: string;
}

function assertFits({ what, addition = '', limit, actual, pattern }: Fit): void {
  if (actual > limit) {
    const where = pattern === undefined ? '' : ` for '${pattern}'`;
    throw new ZmqException(
      'PAYLOAD_TOO_LARGE',
      `The ${what}${addition} has ${formatBytes(actual)}, more than the ${formatBytes(limit)} that the server allows${where}.`,
      { details: { what, limit, actual, ...(pattern !== undefined && { pattern }) } },
    );
  }
}
