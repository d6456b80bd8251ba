import { createHash } from 'node:crypto';

interface BlobStoreLimits {
  readonly maxBlobs: number;
  /** Bytes of all blobs together; must be at least the size of the largest one. */
  readonly maxTotalSize: number;
}

/** Blobs by their SHA-256, in memory. Bounded: the oldest blobs make room for a new one. */
export class BlobStore {
  /** In order of arrival. */
  private readonly blobs = new Map<string, Buffer>();
  private storedBytes = 0;

  constructor(private readonly limits: BlobStoreLimits) {}

  /** Bytes of all blobs together. */
  get totalSize(): number {
    return this.storedBytes;
  }

  /** @returns the SHA-256 in hexadecimal digits. */
  put(bytes: Buffer): string {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (!this.blobs.has(sha256)) {
      this.blobs.set(sha256, ownCopy(bytes));
      this.storedBytes += bytes.length;
      this.evictOldest();
    }
    return sha256;
  }

  get(sha256: string): Buffer | undefined {
    return this.blobs.get(sha256);
  }

  private evictOldest(): void {
    const { maxBlobs, maxTotalSize } = this.limits;
    for (const [sha256, bytes] of this.blobs) {
      if (this.blobs.size <= maxBlobs && this.storedBytes <= maxTotalSize) {
        return;
      }
      this.blobs.delete(sha256);
      this.storedBytes -= bytes.length;
    }
  }
}

/** What arrives may be a small part of a large receive buffer, or of Node's pool, and would keep all of it in memory. */
function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
