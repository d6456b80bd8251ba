/** Bits of a frame's first byte (RFC 37); all others are reserved and zero. */
export const FrameFlag = { More: 0x01, Long: 0x02, Command: 0x04 } as const;

/** Bytes of the longest header: flags and a length of eight bytes. */
export const MAX_FRAME_HEADER_BYTES = 9;
/** Bodies up to this many bytes have a length of one byte. */
const MAX_SHORT_LENGTH = 255;

export function frameHeaderBytes(length: number): number {
  return length > MAX_SHORT_LENGTH ? MAX_FRAME_HEADER_BYTES : 2;
}

/** Writes the header of a frame at `at` and returns where its body begins. `flags` without {@link FrameFlag.Long}. */
export function writeFrameHeader(target: Uint8Array, at: number, { flags, length }: FrameHeader): number {
  if (length <= MAX_SHORT_LENGTH) {
    target[at] = flags;
    target[at + 1] = length;
    return at + 2;
  }
  target[at] = flags | FrameFlag.Long;
  writeUint32(target, at + 1, Math.floor(length / 2 ** 32));
  writeUint32(target, at + 5, length);
  return at + MAX_FRAME_HEADER_BYTES;
}

export interface FrameHeader {
  readonly flags: number;
  readonly length: number;
}

/** A whole frame as one buffer. */
export function encodeFrame(flags: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes(body.length) + body.length);
  frame.set(body, writeFrameHeader(frame, 0, { flags, length: body.length }));
  return frame;
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}
