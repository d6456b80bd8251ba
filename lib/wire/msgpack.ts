import { createRequire } from 'node:module';
import { ZmqException } from '../errors/zmq.exception.js';
import { Malformed } from './malformed.js';
import { scanMsgPack } from './msgpack-scan.js';
import type { WireLimits } from './wire-limits.js';

/** What is used of msgpackr, an optional peer dependency whose types may be absent. */
interface MsgPackCodec {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

const OPTIONS = {
  // Records are msgpackr's own extension of the format.
  useRecords: false,
  mapsAsObjects: true,
  encodeUndefinedAsNil: true,
  int64AsType: 'auto',
  // A view would keep the whole received frame alive.
  copyBuffers: true,
};

let codec: MsgPackCodec | null | undefined;

/** Whether the optional package `msgpackr` is installed. */
export function isMsgPackAvailable(): boolean {
  return load() !== null;
}

/** @throws ZmqException `MALFORMED` if the value cannot be encoded, `INVALID_OPTIONS` if msgpackr is not installed */
export function encodeMsgPack(value: unknown): Uint8Array {
  const loaded = loadOrThrow();
  try {
    return loaded.pack(value);
  } catch (cause) {
    const { message } = cause as Error;
    throw new ZmqException('MALFORMED', `The value cannot be encoded as MessagePack: ${message}`, { cause });
  }
}

/** 64-bit integers become numbers where that is exact, else bigints; binary data becomes a Buffer of its own. */
export function decodeMsgPack(bytes: Buffer, limits: WireLimits): unknown {
  const loaded = load();
  if (loaded === null) {
    return new Malformed('MessagePack is not available here');
  }
  const refusal = scanMsgPack(bytes, limits);
  if (refusal !== undefined) {
    return new Malformed(`invalid MessagePack: ${refusal}`);
  }
  try {
    return loaded.unpack(bytes);
  } catch {
    return new Malformed('invalid MessagePack');
  }
}

function loadOrThrow(): MsgPackCodec {
  const loaded = load();
  if (loaded === null) {
    throw new ZmqException(
      'INVALID_OPTIONS',
      'The msgpack encoding needs the package "msgpackr": npm install msgpackr',
    );
  }
  return loaded;
}

function load(): MsgPackCodec | null {
  if (codec === undefined) {
    try {
      const { Packr } = createRequire(import.meta.url)('msgpackr') as {
        Packr: new (options: typeof OPTIONS) => MsgPackCodec;
      };
      codec = new Packr(OPTIONS);
    } catch {
      codec = null;
    }
  }
  return codec;
}
