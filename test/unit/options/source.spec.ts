import { describe, expect, it } from 'vitest';
import type { Field } from '../../../lib/options/fields.js';
import { Secret } from '../../../lib/options/secret.js';
import { path, pem, secretText, sourceOf } from '../../../lib/options/source.js';
import { refusalOf } from '../../support/refusal.js';

const SECRET = 'c2VjcmV0IHBhcnQ';
const KEY = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`;
const MAX_TEXT = 4 * 1024 ** 2;

const refusal = (field: Field<unknown>, value: unknown) => refusalOf(() => field(value, 'tls.key')).message;

describe('pem', () => {
  it('takes PEM as text or bytes, with anything around it, and keeps it out of logs', () => {
    for (const given of [KEY, Buffer.from(KEY), new Uint8Array(Buffer.from(KEY)), `a comment\n${KEY}`]) {
      const value = pem(given, 'tls.key');
      expect(String(value)).toBe('[redacted]');
      expect(value?.reveal()).toContain(KEY);
    }
  });

  it('is none unless it is given', () => {
    expect(pem(undefined, 'tls.key')).toBeUndefined();
  });

  it.each<[what: string, value: unknown]>([
    ['a path', './server.key'],
    ['the contents without their first line', `${SECRET}\n-----END PRIVATE KEY-----`],
    ['the contents without their last line', `-----BEGIN PRIVATE KEY-----\n${SECRET}`],
    ['nothing between both', '-----BEGIN X----------END X-----'],
    ['what is empty', ''],
    ['bytes of another form', Buffer.from([0x30, 0x82])],
    ['what is too long', KEY + ' '.repeat(MAX_TEXT)],
    ['null', null],
    ['a number', 7],
    ['an object', { value: KEY }],
  ])('refuses %s and points to the option for a path', (_, value) => {
    const message = refusal(pem, value);
    expect(message).toBe('tls.key must be PEM ("-----BEGIN …"); for the path of a file there is tls.keyFile.');
  });
});

describe('secretText', () => {
  it('takes any text that is not empty, and keeps it out of logs', () => {
    const value = secretText('a b', 'tls.key');
    expect([String(value), value?.reveal()]).toEqual(['[redacted]', 'a b']);
    expect(secretText(undefined, 'tls.key')).toBeUndefined();
  });

  it.each([[''], [null], [7], [['a']], ['x'.repeat(MAX_TEXT + 1)]])('refuses others without showing them', value => {
    expect(refusal(secretText, value)).toBe('tls.key must be a text that is not empty.');
  });
});

describe('path', () => {
  it('takes the path of a file', () => {
    expect([path('/etc/zmq/server key.pem', 'x'), path(undefined, 'x')]).toEqual([
      '/etc/zmq/server key.pem',
      undefined,
    ]);
  });

  it.each([[''], ['a\0b'], [KEY], [7], [null], [[]]])('refuses others without showing them', value => {
    expect(refusal(path, value)).toBe('tls.key must be the path of a file.');
  });
});

describe('sourceOf', () => {
  const value = new Secret(KEY);

  it('is the text or the file, whichever is given, and none of neither', () => {
    expect(sourceOf(value, undefined, 'tls.key')).toEqual({ value });
    expect(sourceOf(undefined, 'a.key', 'tls.key')).toEqual({ file: 'a.key' });
    expect(sourceOf(undefined, undefined, 'tls.key')).toBeUndefined();
  });

  it('refuses both', () => {
    const { code, message } = refusalOf(() => sourceOf(value, 'a.key', 'tls.key'));
    expect([code, message]).toEqual(['INVALID_OPTIONS', 'tls.key and tls.keyFile cannot both be given.']);
  });
});
