import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWelcome } from '../../../lib/client/welcome.js';
import { WELCOME } from '../../support/raw-peer.js';

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

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (value, limits) => {
        expect(readWelcome(value)).toBeUndefined();
        expect(readWelcome({ ...WELCOME, limits })).toBeUndefined();
      }),
    );
  });
});
