import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';
import { isZ85Key, secretZ85Key, z85Key } from '../../../lib/options/z85.js';
import { refusalOf } from '../../support/refusal.js';

// The key pair of the server in the test of RFC 26.
const KEY = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';

const WRONG = [
  ['too short', KEY.slice(1)],
  ['too long', `${KEY}0`],
  ['empty', ''],
  ['a character that Z85 lacks', `${KEY.slice(0, 39)}"`],
  ['a blank', `${KEY.slice(0, 39)} `],
  ['a character of two units', `${KEY.slice(0, 38)}😀`],
  ['a first group beyond four bytes', `%nSc1${KEY.slice(5)}`],
  ['a last group beyond four bytes', `${KEY.slice(0, 35)}#####`],
] as const;

describe('isZ85Key', () => {
  it('knows a key, the least and the greatest of them', () => {
    expect([KEY, '0'.repeat(40), '%nSc0'.repeat(8)].map(isZ85Key)).toEqual([true, true, true]);
  });

  it.each(WRONG)('takes a text for no key that has or is %s', (_what, text) => {
    expect(isZ85Key(text)).toBe(false);
  });
});

describe('z85Key', () => {
  it('gives a key back', () => {
    expect(z85Key(KEY, 'curveKey')).toBe(KEY);
  });

  it.each<readonly [string, unknown]>([...WRONG, ['nothing', undefined], ['bytes', Buffer.alloc(32)]])(
    'refuses a key that has or is %s',
    (_what, value) => {
      expect(refusalOf(() => z85Key(value, 'serverKey')).message).toContain(
        'serverKey must be a CURVE key as 40 characters',
      );
    },
  );
});

describe('secretZ85Key', () => {
  it('keeps a key as a secret, however often it is resolved', () => {
    const secret = secretZ85Key(KEY, 'secretKey');
    expect(secret).toBeInstanceOf(Secret);
    expect(secretZ85Key(secret, 'secretKey')?.reveal()).toBe(KEY);
    expect(secretZ85Key(undefined, 'secretKey')).toBeUndefined();
  });

  it.each(WRONG.filter(([, text]) => text !== ''))('never shows the text that has or is %s', (_what, text) => {
    const { message } = refusalOf(() => secretZ85Key(text, 'secretKey'));
    expect(message).toContain('secretKey must be a CURVE key');
    expect(message).not.toContain(text.slice(0, 10));
    expect(message).not.toContain(text.slice(-5));
  });
});
