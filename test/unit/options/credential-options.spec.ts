import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { plainOptions, signaturesOptions, signingOptions } from '../../../lib/options/credential-options.js';
import { isDeeplyFrozen } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const PASSWORD = 'open sesame';
const KEY = Buffer.alloc(32, 0xfb).toString('base64');

const plain = (value: unknown) => plainOptions(value, 'plain');
const signing = (value: unknown) => signingOptions(value, 'signing');
const signatures = (value: unknown) => signaturesOptions(value, 'signatures');
const refusal = (resolve: (value: unknown) => unknown, value: unknown) => {
  const { code, message } = refusalOf(() => resolve(value));
  return `${code}: ${message}`;
};

describe('plain', () => {
  it('is none unless it is given', () => {
    expect(plain(undefined)).toBeUndefined();
  });

  it('is a user name and a password, which nothing shows', () => {
    const credentials = plain({ username: 'ann', password: PASSWORD });
    expect([credentials?.username, credentials?.password.reveal()]).toEqual(['ann', PASSWORD]);
    expect(inspect(credentials, { showHidden: true })).not.toContain(PASSWORD);
    expect(isDeeplyFrozen(credentials)).toBe(true);
  });

  it('takes up to 255 bytes of each, not characters', () => {
    const longest = `${'é'.repeat(127)}e`;
    expect(plain({ username: longest, password: longest })?.username).toBe(longest);
    for (const name of ['username', 'password']) {
      const given = { username: 'a', password: 'b', [name]: 'é'.repeat(128) };
      expect(refusal(plain, given)).toBe(`INVALID_OPTIONS: plain.${name} must be a text of 1 to 255 bytes.`);
    }
  });

  it.each<[options: unknown, message: string]>([
    [{}, 'plain.username must be a text of 1 to 255 bytes.'],
    [{ username: 'ann' }, 'plain.password must be a text of 1 to 255 bytes.'],
    [{ username: '', password: 'x' }, 'plain.username must be a text of 1 to 255 bytes.'],
    [{ username: 'ann', password: '' }, 'plain.password must be a text of 1 to 255 bytes.'],
    [{ username: 'ann', password: 7 }, 'plain.password must be a text of 1 to 255 bytes.'],
    [{ username: 'ann', password: 'x', user: 'y' }, "plain has no option 'user'."],
    [null, 'plain must be an object, but is null.'],
  ])('refuses %j: %s', (options, message) => {
    expect(refusal(plain, options)).toContain(`INVALID_OPTIONS: ${message}`);
  });

  it.each<[what: string, options: unknown]>([
    ['alone', PASSWORD],
    ['in a list', { username: 'ann', password: [PASSWORD] }],
    ['that is too long', { username: 'ann', password: PASSWORD.repeat(50) }],
    ['as the user name', { username: PASSWORD.repeat(50), password: 'x' }],
  ])('does not show a password %s', (_, options) => {
    const message = refusal(plain, options);
    expect(message).toMatch(/^INVALID_OPTIONS: plain.* must be /);
    expect(message).not.toContain('sesame');
  });
});

describe('signing', () => {
  it('is none unless it is given', () => {
    expect(signing(undefined)).toBeUndefined();
  });

  it.each(['base64', 'base64url'] as const)('is a name and a key in %s, which nothing shows', encoding => {
    const bytes = Buffer.alloc(32, 0xfb);
    const given = signing({ name: 'press-7', key: bytes.toString(encoding) });
    expect([given?.name, given?.key.reveal()]).toEqual(['press-7', bytes]);
    expect(inspect(given, { showHidden: true })).not.toMatch(/fb fb/);
    expect(isDeeplyFrozen(given)).toBe(true);
  });

  it.each([
    [31, false],
    [32, true],
    [128, true],
    [129, false],
  ])('has a key of 32 to 128 bytes: of %d, %s', (bytes, isTaken) => {
    const given = { name: 'a', key: Buffer.alloc(bytes, 1).toString('base64') };
    const resolve = () => signing(given)?.key.reveal().length;
    const outcome = isTaken ? resolve() : refusalOf(resolve).message;
    expect(outcome).toBe(isTaken ? bytes : 'signing.key must be base64 of 32 to 128 bytes.');
  });

  it.each<[options: unknown, message: string]>([
    [{ key: KEY }, 'signing.name must be a text of 1 to 255 printable characters.'],
    [{ name: '', key: KEY }, 'signing.name must be'],
    [{ name: 'a\nb', key: KEY }, 'signing.name must be'],
    [{ name: 'x'.repeat(256), key: KEY }, 'signing.name must be'],
    [{ name: 'a' }, 'signing.key must be base64 of 32 to 128 bytes.'],
    [{ name: 'a', key: 7 }, 'signing.key must be base64'],
    [{ name: 'a', key: KEY, role: 'x' }, "signing has no option 'role'."],
  ])('refuses %j: %s', (options, message) => {
    expect(refusal(signing, options)).toContain(`INVALID_OPTIONS: ${message}`);
  });

  it.each<[what: string, options: unknown]>([
    ['alone', KEY],
    ['as bytes', { name: 'a', key: Buffer.from(KEY, 'base64') }],
    ['with a blank in it', { name: 'a', key: ` ${KEY}` }],
    ['as the name', { name: `${KEY}\n`, key: KEY }],
  ])('does not show a key that is given %s', (_, options) => {
    const message = refusal(signing, options);
    expect(message).toMatch(/^INVALID_OPTIONS: signing.* must be /);
    expect(message).not.toContain(KEY.slice(0, 6));
  });
});

describe('signatures', () => {
  it('have the documented defaults', () => {
    expect(signatures(undefined)).toEqual({ required: false, window: 30_000, maxNonces: 200_000 });
  });

  it('take their bounds', () => {
    const least = { required: true, window: 1_000, maxNonces: 1_000 };
    const most = { required: true, window: 3_600_000, maxNonces: 10_000_000 };
    expect([signatures(least), signatures(most)]).toEqual([least, most]);
  });

  it.each<[options: unknown, message: string]>([
    [{ required: 'yes' }, 'signatures.required must be true or false'],
    [{ window: 999 }, 'signatures.window must be a number of milliseconds from 1000 to 3600000'],
    [{ window: 3_600_001 }, 'signatures.window must be'],
    [{ maxNonces: 999 }, 'signatures.maxNonces must be a whole number from 1000 to 10000000'],
    [{ maxNonces: 10_000_001 }, 'signatures.maxNonces must be'],
    [{ key: KEY }, "signatures has no option 'key'"],
  ])('refuse %j: %s', (options, message) => {
    expect(refusal(signatures, options)).toContain(`INVALID_OPTIONS: ${message}`);
  });
});
