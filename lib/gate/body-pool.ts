/** Sizes of buffers come in so many steps from one power of two to the next: what is not given back must not cost more than it holds. */
const STEPS = 8;
/** Smaller bodies are not worth being kept. */
const MIN_BYTES = 64 * 1024;

/**
 * Buffers for large bodies, used again once nobody needs what was read into them. Without it every message leaves
 * garbage that only the next full collection frees, and a flood of them costs a multiple of what is held at a time.
 */
export class BodyPool {
  private readonly free = new Map<number, Buffer[]>();
  private readonly lent = new WeakSet<ArrayBufferLike>();
  private bytes = 0;
  /** The least that was kept since the last look: nobody needed that much. */
  private unused = 0;

  /** @param limit bytes that may be kept for the next body */
  constructor(private readonly limit: () => number) {}

  /** Bytes that are kept. */
  get size(): number {
    return this.bytes;
  }

  take(length: number): Buffer {
    if (length < MIN_BYTES) {
      return Buffer.allocUnsafeSlow(length);
    }
    const capacity = capacityFor(length);
    const kept = this.free.get(capacity)?.pop();
    if (kept !== undefined) {
      this.keep(-capacity);
    } else {
      this.trim(this.limit());
    }
    const buffer = kept ?? Buffer.allocUnsafeSlow(capacity);
    this.lent.add(buffer.buffer);
    return buffer.subarray(0, length);
  }

  /** Nobody needs the body any more; one that is not of this pool is left alone. */
  give(body: Buffer): void {
    const { buffer } = body;
    if (!this.lent.delete(buffer)) {
      return;
    }
    const capacity = buffer.byteLength;
    if (this.bytes + capacity <= this.limit()) {
      const buffers = this.free.get(capacity) ?? [];
      buffers.push(Buffer.from(buffer));
      this.free.set(capacity, buffers);
      this.keep(capacity);
    } else {
      this.forget(capacity, body);
    }
  }

  /** Makes room by buffers of other sizes, of which fewer are asked for. */
  private forget(capacity: number, body: Buffer): void {
    for (const [size, buffers] of this.free) {
      if (size !== capacity && buffers.pop() !== undefined) {
        this.keep(-size);
        if (this.bytes + capacity <= this.limit()) {
          this.lent.add(body.buffer);
          this.give(body);
        }
        return;
      }
    }
  }

  /** Lets go of what has not been needed since the last call. */
  sweep(): void {
    this.trim(this.bytes - this.unused);
    this.unused = this.bytes;
  }

  /** Lets go of what is kept beyond a limit: its own falls as room is needed for other sizes. */
  private trim(limit: number): void {
    for (const [size, buffers] of this.free) {
      while (this.bytes > limit && buffers.pop() !== undefined) {
        this.keep(-size);
      }
      if (buffers.length === 0) {
        this.free.delete(size);
      }
    }
  }

  private keep(change: number): void {
    this.bytes += change;
    this.unused = Math.min(this.unused, this.bytes);
  }

  clear(): void {
    this.free.clear();
    this.bytes = 0;
    this.unused = 0;
  }
}

function capacityFor(length: number): number {
  const step = 2 ** Math.floor(Math.log2(length)) / STEPS;
  return Math.ceil(length / step) * step;
}
