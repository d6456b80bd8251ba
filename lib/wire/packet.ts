/** First byte of a binary batch, format version 1. It occurs in no UTF-8 text, so JSON can never be mistaken for it. */
export const BATCH_MARK = 0xf5;

/** Kinds of packets, as numbered on the wire (`docs/wire-protocol.md`). */
export const PacketKind = {
  Hello: 1,
  Welcome: 2,
  Request: 3,
  Event: 4,
  Response: 5,
  Complete: 6,
  Error: 7,
  Cancel: 8,
  Credit: 9,
  Ping: 11,
  Pong: 12,
  Goaway: 13,
} as const;
export type PacketKind = (typeof PacketKind)[keyof typeof PacketKind];

/** What an event takes up of the event window beside its payload, in bytes. */
export const EVENT_OVERHEAD = 256;

/** Payload encodings, as numbered in the flags of a packet. `None` means `undefined`. */
export const PayloadEncoding = { None: 0, Raw: 1, Json: 2, MsgPack: 3 } as const;
export type PayloadEncoding = (typeof PayloadEncoding)[keyof typeof PayloadEncoding];

/** A payload that is ready to be written: JSON stays a string until it is written into the batch, which saves a copy. */
export interface EncodedPayload {
  readonly encoding: PayloadEncoding;
  /** `undefined` exactly when `encoding` is `None`. */
  readonly body: string | Uint8Array | undefined;
  /** Upper bound of the size in bytes: exact for binary and ASCII, up to three times the size for other text. */
  readonly maxSize: number;
}

/** A packet on its way out. Fields that its kind does not have are left at their defaults. */
export class OutgoingPacket {
  pattern = '';
  /** JSON text of the metadata object, `''` for none. */
  metadata = '';
  timeoutMs = 0;
  window = 0;
  amount = 0;
  last = false;

  constructor(
    readonly kind: PacketKind,
    readonly id: number,
    readonly payload: EncodedPayload = NO_PAYLOAD,
  ) {}
}

/** A packet as it came in: header decoded, pattern decoded, metadata and payload still bytes. */
export class IncomingPacket {
  pattern = '';
  /** Undecoded metadata object, if any. */
  metadata: Buffer | undefined = undefined;
  timeoutMs = 0;
  window = 0;
  amount = 0;

  constructor(
    readonly kind: PacketKind,
    readonly id: number,
    readonly encoding: PayloadEncoding,
    readonly last: boolean,
    /** Where the undecoded payload lies: in `frame` from `start` up to `end`. */
    readonly frame: Buffer,
    readonly start: number,
    readonly end: number,
  ) {}

  /** Bytes of the payload. */
  get size(): number {
    return this.end - this.start;
  }

  /** The undecoded payload: a view into the received frame, made on demand, or the frame that is all payload. */
  get payload(): Buffer {
    const { frame, start, end } = this;
    return start === 0 && end === frame.length ? frame : frame.subarray(start, end);
  }
}

export const NO_PAYLOAD: EncodedPayload = Object.freeze({
  encoding: PayloadEncoding.None,
  body: undefined,
  maxSize: 0,
});
