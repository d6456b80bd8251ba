/** What a small buffer that is kept holds at most of memory. Node's own slabs have eight times as much from version 24 on. */
const SLAB_BYTES = 8 * 1024;
/** Larger buffers have memory of their own. */
export const MAX_SMALL_BYTES = SLAB_BYTES / 2 - 1;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

/** A buffer with arbitrary content, cut from a slab that others share if it is small. */
export function smallBuffer(length: number): Buffer {
  if (length > MAX_SMALL_BYTES) {
    return Buffer.allocUnsafeSlow(length);
  }
  if (length > SLAB_BYTES - used) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  const start = used;
  // The next one begins where processors like it.
  used = (start + length + 7) & ~7;
  return slab.subarray(start, start + length);
}
