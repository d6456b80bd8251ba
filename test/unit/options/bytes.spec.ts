import fc from 'fast-check';
import { describe as group, expect, it } from 'vitest';
import { describe, formatBytes, parseBytes } from '../../../lib/options/bytes.js';
import { refusalOf } from '../../support/refusal.js';

group('parseBytes', () => {
  it.each([
    [0, 0],
    [1500, 1500],
    ['512b', 512],
    ['64kb', 65_536],
    ['1mb', 1_048_576],
    ['2gb', 2_147_483_648],
    ['1.5kb', 1_536],
    ['0.0001kb', 0],
    [' 1MB ', 1_048_576],
  ])('takes %j for %d bytes', (value, bytes) => {
    expect(parseBytes(value, 'size')).toBe(bytes);
  });

  it.each([
    -1,
    1.5,
    NaN,
    Infinity,
    2 ** 53,
    '',
    'mb',
    '1',
    '1tb',
    '-1kb',
    '+1kb',
    '1e3kb',
    '1 mb',
    '1..5mb',
    '0x10kb',
    '999999999999999gb',
    '1mb\n2mb',
    null,
    true,
    undefined,
    1n,
    [],
    {},
    Symbol('x'),
    () => 1,
  ])('refuses %o, naming the option', value => {
    const { code, message } = refusalOf(() => parseBytes(value, 'limits.size'));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message).toContain('limits.size must be');
  });

  it('needs no time for long text that is almost a size', () => {
    const started = performance.now();
    refusalOf(() => parseBytes(`${'1'.repeat(1_000_000)}kb`, 'size'));
    expect(performance.now() - started).toBeLessThan(200);
  });

  it('gives back every whole number of units', () => {
    const units = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom('b', 'kb', 'mb', 'gb'), (count, unit) => {
        expect(parseBytes(`${count}${unit}`, 'size')).toBe(count * units[unit]);
      }),
    );
  });
});

group('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 KB'],
    [1536, '1.5 KB'],
    [1_048_576, '1 MB'],
    [5 * 1024 ** 3, '5 GB'],
  ])('renders %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

group('Rendering a value for a message', () => {
  it('is short and safe for any value', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: false }), value => {
        expect(describe(value).length).toBeLessThan(70);
      }),
    );
  });
});
