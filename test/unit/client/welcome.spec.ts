import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWelcome, WELCOME_LIMITS } from '../../../lib/client/welcome.js';
import { parseBoundedJson } from '../../../lib/wire/bounded-json.js';
import { WELCOME } from '../../support/raw-peer.js';
import { LIMITS } from '../../support/wire.js';

function sizesOf(maxSizes: unknown): [string, number][] | undefined {
  const sizes = readWelcome({ ...WELCOME, limits: { ...WELCOME.limits, maxSizes } })!.maxSizes;
  return sizes === undefined ? undefined : [...sizes];
}

describe('readWelcome', () => {
  it('reads what a server says of itself, with fields of later versions', () => {
    const { version: _version, ...welcome } = WELCOME;
    expect(readWelcome(WELCOME)).toEqual(welcome);
    expect(readWelcome({ ...WELCOME, limits: { ...WELCOME.limits, more: 'x' }, more: 1 })).toMatchObject(welcome);
  });

  it.each([undefined, null, 1, 'text', [], {}, { limits: WELCOME.limits }])('is undefined for %j', value => {
    expect(readWelcome(value)).toBeUndefined();
  });

  it.each([
    { version: 2 },
    { version: '1' },
    { server: 7 },
    { encodings: 'json' },
    { encodings: undefined },
    { limits: undefined },
    { limits: null },
    { limits: [] },
  ])('is undefined with %j', fields => {
    expect(readWelcome({ ...WELCOME, ...fields })).toBeUndefined();
  });

  it('takes a server that takes no metadata', () => {
    const limits = { ...WELCOME.limits, maxMetadataSize: 0 };
    expect(readWelcome({ ...WELCOME, limits })).toMatchObject({ limits });
  });

  it('needs every other limit as a whole number above 0', () => {
    for (const name of Object.keys(WELCOME.limits)) {
      for (const wrong of [
        undefined,
        null,
        ...(name === 'maxMetadataSize' ? [] : [0]),
        -1,
        1.5,
        NaN,
        Infinity,
        2 ** 53,
        '1',
        {},
      ]) {
        expect(readWelcome({ ...WELCOME, limits: { ...WELCOME.limits, [name]: wrong } })).toBeUndefined();
      }
    }
  });

  it('reads the sizes that single handlers take', () => {
    expect(sizesOf({ small: 10, '{"cmd":"none"}': 0 })).toEqual([
      ['small', 10],
      ['{"cmd":"none"}', 0],
    ]);
  });

  it.each([undefined, null, 1, 'text', [1, 2], {}, { a: 'x' }])(
    'takes %j for no sizes of single handlers',
    maxSizes => {
      expect(sizesOf(maxSizes)).toBeUndefined();
    },
  );

  it('leaves out sizes that are none, and keeps the others', () => {
    const wrong = { a: -1, b: 1.5, c: NaN, d: Infinity, e: '1', f: null, g: {}, h: [1], i: 2 ** 53, j: true };
    expect(sizesOf({ first: 1, ...wrong, last: 2 })).toEqual([
      ['first', 1],
      ['last', 2],
    ]);
  });

  it('keeps the sizes of 1,024 handlers, which a welcome may have at all, and ignores more', () => {
    const entries = Array.from({ length: 1_025 }, (_, index) => [`route ${index}`, index] as const);
    const text = JSON.stringify({
      ...WELCOME,
      limits: { ...WELCOME.limits, maxSizes: Object.fromEntries(entries.slice(1)) },
    });
    const welcome = readWelcome(parseBoundedJson(Buffer.from(text), { ...LIMITS, ...WELCOME_LIMITS }));
    expect([...welcome!.maxSizes!]).toEqual(entries.slice(1));
    expect(sizesOf(Object.fromEntries(entries))).toEqual(entries.slice(0, -1));
  });

  it('takes any sizes at all', () => {
    fc.assert(
      fc.property(fc.anything(), maxSizes => {
        for (const [route, size] of sizesOf(maxSizes) ?? []) {
          expect((maxSizes as Record<string, unknown>)[route]).toBe(size);
          expect(size).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (value, limits) => {
        expect(readWelcome(value)).toBeUndefined();
        expect(readWelcome({ ...WELCOME, limits })).toBeUndefined();
      }),
    );
  });
});
