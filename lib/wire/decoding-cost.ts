import { PayloadEncoding } from './packet.js';

/** What a value of any kind costs on the heap, in bytes, as measured for `{},{},…`. */
const TOKEN_BYTES = 64;

/** Decoding is synchronous, so the number always belongs to the value decoded last. */
let tokens = 0;

/** Called by the scans that precede decoding. */
export function noteTokens(count: number): void {
  tokens = count;
}

/** Bytes that the value decoded last takes, estimated upwards: text twice, as it was sent and as it is kept. */
export function decodedCost(encoding: PayloadEncoding, size: number): number {
  return encoding === PayloadEncoding.Json || encoding === PayloadEncoding.MsgPack
    ? 2 * size + TOKEN_BYTES * tokens
    : size;
}
