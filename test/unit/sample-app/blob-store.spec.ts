import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BlobStore } from '../../../sample-app/blobs/blob-store.js';

const UNLIMITED = { maxBlobs: 1_000, maxTotalSize: 1_000_000 };

describe('BlobStore', () => {
  it('returns bytes by their SHA-256', () => {
    const store = new BlobStore(UNLIMITED);
    const bytes = Buffer.from([0, 255, 1, 254]);
    const sha256 = store.put(bytes);

    expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(store.get(sha256)).toEqual(bytes);
    expect(store.get('0'.repeat(64))).toBeUndefined();
  });

  it('stores an empty blob', () => {
    const store = new BlobStore(UNLIMITED);

    expect(store.get(store.put(Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
  });

  it('stores equal bytes once', () => {
    const store = new BlobStore(UNLIMITED);
    store.put(Buffer.alloc(100, 1));
    store.put(Buffer.alloc(100, 1));

    expect(store.totalSize).toBe(100);
  });

  it('keeps a copy, so that a reused receive buffer changes nothing and is not held', () => {
    const store = new BlobStore(UNLIMITED);
    const received = Buffer.alloc(64 * 1024, 1);
    const sha256 = store.put(received.subarray(0, 3));
    received.fill(9);

    expect(store.get(sha256)).toEqual(Buffer.from([1, 1, 1]));
    expect(store.get(sha256)?.buffer.byteLength).toBe(3);
  });

  it('evicts the oldest blobs to stay within its bytes', () => {
    const store = new BlobStore({ maxBlobs: 1_000, maxTotalSize: 250 });
    const [first, second, third] = [1, 2, 3].map(fill => store.put(Buffer.alloc(100, fill)));

    expect([first, second, third].map(sha256 => store.get(sha256!) !== undefined)).toEqual([false, true, true]);
    expect(store.totalSize).toBe(200);
  });

  it('evicts the oldest blobs to stay within their number', () => {
    const store = new BlobStore({ maxBlobs: 2, maxTotalSize: 1_000 });
    const [first, second, third] = [1, 2, 3].map(fill => store.put(Buffer.alloc(1, fill)));

    expect([first, second, third].map(sha256 => store.get(sha256!) !== undefined)).toEqual([false, true, true]);
  });
});
