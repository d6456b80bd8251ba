import type { PacketMetadata, ReadPacket } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ZmqEncoding } from '../options/client-options.js';
import { ZmqRecord } from '../wire/record.js';
import { assertUnsigned } from './signing.js';

/** What the application wants sent, its record unpacked. */
export interface Contents {
  readonly route: string;
  readonly data: unknown;
  /** JSON text, `''` for none. */
  readonly metadata: string;
  readonly encoding: ZmqEncoding;
}

/** @throws {@link ZmqException} `MALFORMED` for metadata that has no JSON form, `INVALID_OPTIONS` if it has the key of signatures. */
export function contentsOf({ data, metadata }: ReadPacket, route: string, usual: ZmqEncoding): Contents {
  if (data instanceof ZmqRecord) {
    return recordContents(route, data, metadata, usual);
  }
  return { route, data: data as unknown, metadata: metadataText(metadata), encoding: usual };
}

function recordContents(
  route: string,
  { data, metadata: own, encoding }: ZmqRecord,
  dispatched: PacketMetadata | undefined,
  usual: ZmqEncoding,
): Contents {
  const metadata = own === undefined ? dispatched : { ...own, ...dispatched };
  return { route, data, metadata: metadataText(metadata), encoding: encoding ?? usual };
}

/** What a dispatch hook has put there may be anything. */
function metadataText(metadata: PacketMetadata | undefined): string {
  if (metadata === undefined) {
    return '';
  }
  let text: string;
  try {
    text = (JSON.stringify(metadata) as string | undefined) ?? '';
  } catch (cause) {
    throw new ZmqException('MALFORMED', 'The metadata cannot be encoded as JSON.', { cause });
  }
  assertUnsigned(text);
  return text;
}
