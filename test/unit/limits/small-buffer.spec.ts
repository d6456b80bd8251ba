import { describe, expect, it } from 'vitest';
import { MAX_SMALL_BYTES, smallBuffer } from '../../../lib/limits/small-buffer.js';

const SLAB_BYTES = 8_192;

describe('smallBuffer', () => {
  it('gives buffers of the length asked for that do not overlap', () => {
    const buffers = Array.from({ length: 2_000 }, (_, index) => smallBuffer(index % 300).fill(index % 251));
    for (const [index, buffer] of buffers.entries()) {
      expect(buffer).toHaveLength(index % 300);
      expect(buffer.every(byte => byte === index % 251)).toBe(true);
    }
  });

  it('has a buffer keep no more memory alive than a slab of 8 KB, whatever the version of Node', () => {
    for (const length of [0, 1, 20, 1_000, MAX_SMALL_BYTES]) {
      expect(smallBuffer(length).buffer.byteLength).toBe(SLAB_BYTES);
    }
  });

  it('gives larger buffers memory of their own size', () => {
    expect(smallBuffer(MAX_SMALL_BYTES + 1).buffer.byteLength).toBe(MAX_SMALL_BYTES + 1);
    expect(smallBuffer(100_000).buffer.byteLength).toBe(100_000);
  });

  it('shares a slab between small buffers', () => {
    const slabs = new Set(Array.from({ length: 100 }, () => smallBuffer(10).buffer));
    expect(slabs.size).toBeLessThanOrEqual(2);
  });
});
