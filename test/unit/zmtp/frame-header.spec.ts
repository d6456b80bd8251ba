import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeFrame,
  frameHeaderBytes,
  MAX_FRAME_HEADER_BYTES,
  writeFrameHeader,
} from '../../../lib/zmtp/frame-header.js';

function headerOf(flags: number, length: number): string {
  const target = Buffer.alloc(MAX_FRAME_HEADER_BYTES);
  const end = writeFrameHeader(target, 0, { flags, length });
  expect(end).toBe(frameHeaderBytes(length));
  return target.subarray(0, end).toString('hex');
}

describe('A frame header', () => {
  it('has a length of one byte up to 255 and of eight bytes above', () => {
    expect(headerOf(0x00, 0)).toBe('0000');
    expect(headerOf(0x01, 255)).toBe('01ff');
    expect(headerOf(0x00, 256)).toBe('020000000000000100');
    expect(headerOf(0x01, 256)).toBe('030000000000000100');
    expect(headerOf(0x04, 256)).toBe('060000000000000100');
  });

  it('carries every length that is a safe integer', () => {
    expect(headerOf(0, 0x8000_0000)).toBe('020000000080000000');
    expect(headerOf(0, 0xffff_ffff)).toBe('0200000000ffffffff');
    expect(headerOf(0, 2 ** 32)).toBe('020000000100000000');
    expect(headerOf(0, Number.MAX_SAFE_INTEGER)).toBe('02001fffffffffffff');
    fc.assert(
      fc.property(fc.maxSafeNat(), length => {
        const hex = headerOf(0, length);
        expect(BigInt(`0x${hex.slice(2)}`)).toBe(BigInt(length));
      }),
    );
  });

  it('is written where it is asked to be, and nothing around it', () => {
    const target = Buffer.alloc(16, 0xaa);
    expect(writeFrameHeader(target, 3, { flags: 0, length: 5 })).toBe(5);
    expect(writeFrameHeader(target, 6, { flags: 0, length: 300 })).toBe(15);
    expect(target.toString('hex')).toBe('aaaaaa0005aa02000000000000012caa');
  });
});

describe('encodeFrame', () => {
  it('puts header and body into one buffer', () => {
    expect(encodeFrame(0x01, Buffer.from('ab')).toString('hex')).toBe('01026162');
    expect(encodeFrame(0x00, Buffer.alloc(0)).toString('hex')).toBe('0000');
    expect(encodeFrame(0x00, Buffer.alloc(256))).toHaveLength(MAX_FRAME_HEADER_BYTES + 256);
  });
});
