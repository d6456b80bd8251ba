const INITIAL_BYTES = 64 * 1024;
/** What is kept between two uses at most. */
export const MAX_SCRATCH_BYTES = 1024 * 1024;

/** One for all encoders, however many peers there are: encoding is synchronous, so no two of them ever need it at once. */
let shared = Buffer.allocUnsafeSlow(INITIAL_BYTES);

/**
 * A buffer of at least `size` bytes that starts with what `written` holds. It is the shared one, valid until the next
 * call, unless more than {@link MAX_SCRATCH_BYTES} are needed: then it is a fresh one.
 */
export function scratchOf(size: number, written?: Buffer): Buffer {
  if (size <= shared.length) {
    return shared;
  }
  const isKept = size <= MAX_SCRATCH_BYTES;
  const grown = Buffer.allocUnsafeSlow(isKept ? Math.min(MAX_SCRATCH_BYTES, size * 2) : size);
  written?.copy(grown);
  if (isKept) {
    shared = grown;
  }
  return grown;
}

/** The first `used` bytes of what {@link scratchOf} gave, as a buffer of their own. */
export function takeWritten(scratch: Buffer, used: number): Buffer {
  if (scratch !== shared) {
    return scratch.subarray(0, used);
  }
  const taken = Buffer.allocUnsafe(used);
  scratch.copy(taken, 0, 0, used);
  return taken;
}
