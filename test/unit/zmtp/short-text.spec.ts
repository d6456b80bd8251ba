import { describe, expect, it } from 'vitest';
import { encodeShortText, endOfShortText, isName } from '../../../lib/zmtp/short-text.js';
import { fromHex } from '../../support/wire.js';

describe('endOfShortText', () => {
  it('is where the text ends, wherever it begins', () => {
    expect(endOfShortText(fromHex('00'), 0)).toBe(1);
    expect(endOfShortText(fromHex('02 6162'), 0)).toBe(3);
    expect(endOfShortText(fromHex('ff 01 61 ff'), 1)).toBe(3);
  });

  it('is none where the text, or its length, is not all there', () => {
    expect(endOfShortText(fromHex('02 61'), 0)).toBeUndefined();
    expect(endOfShortText(fromHex('ff'), 0)).toBeUndefined();
    expect(endOfShortText(fromHex(''), 0)).toBeUndefined();
    expect(endOfShortText(fromHex('00'), 1)).toBeUndefined();
  });
});

describe('isName', () => {
  it('takes letters, digits and - _ . + alone', () => {
    const taken = Array.from({ length: 256 }, (_, byte) => byte).filter(byte => isName(Buffer.of(byte), 0, 1));
    const expected = '+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
    expect(Buffer.from(taken).toString('latin1')).toBe(expected);
  });

  it('takes no empty name', () => {
    expect(isName(Buffer.from('a'), 1, 1)).toBe(false);
  });
});

describe('encodeShortText', () => {
  it('counts bytes, not characters', () => {
    expect(encodeShortText('é', 'utf8').toString('hex')).toBe('02c3a9');
    expect(encodeShortText('é').toString('hex')).toBe('01e9');
    expect(encodeShortText('x'.repeat(255))).toHaveLength(256);
    expect(() => encodeShortText('x'.repeat(256))).toThrow(RangeError);
  });
});
