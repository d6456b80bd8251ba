import { BatchEncoder } from '../../wire/batch-encoder.js';
import { OutgoingPacket, PacketKind, type EncodedPayload } from '../../wire/packet.js';
import { encodePayload } from '../../wire/payload-codec.js';

/**
 * The bytes of attackers (ZMTP 3.1 = RFC 37). Written by hand rather than with the library's own codec, which refuses
 * to say most of this, and whose mistakes the drill would then share.
 */
export const GREETING_BYTES = 64;
const MORE = 1;
const LONG = 2;
const COMMAND = 4;

export interface GreetingFields {
  readonly major?: number;
  readonly mechanism?: string;
}

export function greeting({ major = 3, mechanism = 'NULL' }: GreetingFields = {}): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = major;
  bytes[11] = 1;
  bytes.write(mechanism, 12, 20, 'latin1');
  return bytes;
}

/** The start of a frame that declares so many bytes. */
export function frameHeader(declared: number, { more = false, command = false, long = declared > 255 } = {}): Buffer {
  const flags = (more ? MORE : 0) | (long ? LONG : 0) | (command ? COMMAND : 0);
  const header = Buffer.alloc(long ? 9 : 2);
  header[0] = flags;
  if (long) {
    header.writeBigUInt64BE(BigInt(declared), 1);
  } else {
    header[1] = declared;
  }
  return header;
}

export function frame(body: Uint8Array | string, more = false): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return Buffer.concat([frameHeader(bytes.length, { more }), bytes]);
}

export function command(name: string, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), data]);
  return Buffer.concat([frameHeader(body.length, { command: true }), body]);
}

export function ready(properties: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(properties).map(([name, value]) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(Buffer.byteLength(value));
    return Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), size, Buffer.from(value)]);
  });
  return command('READY', Buffer.concat(parts));
}

export interface JsonRequestFields {
  readonly id?: string;
  readonly pattern: string;
  readonly data?: unknown;
  /** Bytes of a field that means nothing and only weighs. */
  readonly padding?: number;
}

/** A message in JSON mode; without an id it is an event. */
export function jsonText({ padding = 0, ...fields }: JsonRequestFields): string {
  return JSON.stringify(padding > 0 ? { ...fields, pad: 'x'.repeat(padding) } : fields);
}

export function jsonFrame(fields: JsonRequestFields): Buffer {
  return frame(jsonText(fields));
}

/** The same bytes so often that one write of them is worth a system call. */
export function repeated(bytes: Uint8Array, total = 64 * 1024): Buffer {
  return Buffer.concat(Array.from({ length: Math.max(1, Math.floor(total / bytes.length)) }, () => bytes));
}

/** A binary batch of so many requests, as `ClientZmq` would send it. */
export function batchFrame(pattern: string, count: number): Buffer {
  const encoder = new BatchEncoder({ maxBytes: 1 << 24, maxPackets: 1 << 20, detachFrom: 1 << 30 });
  const packets = Array.from({ length: count }, (_, index) =>
    Object.assign(new OutgoingPacket(PacketKind.Request, index + 1, encodePayload(1, 'json')), { pattern }),
  );
  return frame(encoder.encode(packets, 0).frames[0] as Uint8Array);
}

/** A binary request with a payload as it is. */
export function requestFrame(pattern: string, id: number, payload: EncodedPayload): Buffer {
  const encoder = new BatchEncoder({ maxBytes: 1 << 24, maxPackets: 1, detachFrom: 1 << 30 });
  const packet = Object.assign(new OutgoingPacket(PacketKind.Request, id, payload), { pattern });
  return frame(encoder.encode([packet], 0).frames[0] as Uint8Array);
}

export function helloFrame(): Buffer {
  const encoder = new BatchEncoder({ maxBytes: 1 << 16, maxPackets: 16, detachFrom: 1 << 30 });
  const hello = { version: 1, limits: { maxMessageSize: 1024 ** 2 } };
  const packet = new OutgoingPacket(PacketKind.Hello, 0, encodePayload(hello, 'json'));
  return frame(encoder.encode([packet], 0).frames[0] as Uint8Array);
}
