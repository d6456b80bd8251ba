import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';
import { RequestSignatures, RequestSigner, type SignedFields } from '../../../lib/security/request-signature.js';

const NOW = 1_750_000_000_000;
const key = new Secret(Buffer.alloc(32, 1));
const nextKey = new Secret(Buffer.alloc(32, 2));
const FIELDS: SignedFields = {
  serverId: 'server-1',
  kind: 3,
  id: 7,
  timeoutMs: 5_000,
  pattern: 'orders.create',
  metadata: '{"tenant":"a"}',
  encoding: 1,
  payload: Buffer.from('{"amount":1}'),
};

function signer(changes: { name?: string; key?: Secret<Buffer>; now?: number } = {}): RequestSigner {
  const { now = NOW, ...rest } = changes;
  return new RequestSigner({ name: 'press-7', key, now: () => now, ...rest });
}

function checker(options: { maxNonces?: number } = {}): RequestSignatures {
  const keys = new Map([
    ['press-7', [key, nextKey]],
    ['größe/1', [key]],
  ]);
  return new RequestSignatures({ keysOf: name => keys.get(name) ?? [], now: () => NOW, ...options });
}

const token = signer().sign(FIELDS);
const [, nameText = '', , nonceText = '', macText = ''] = token.split('.');

describe('RequestSignatures', () => {
  it.each(['press-7', 'größe/1'])('tells who has signed: %s', name => {
    expect(checker().verify(signer({ name }).sign(FIELDS), FIELDS)).toEqual({ ok: true, name });
  });

  it('takes each key of an identity, so that keys can be changed', () => {
    expect(checker().verify(signer({ key: nextKey }).sign(FIELDS), FIELDS).ok).toBe(true);
  });

  it('takes a signature once', () => {
    const signatures = checker();
    signatures.verify(token, FIELDS);
    expect(signatures.verify(token, FIELDS)).toEqual({ ok: false, failure: 'replayed' });
  });

  it.each<[string, Partial<SignedFields>]>([
    ['server', { serverId: 'server-2' }],
    ['kind', { kind: 4 }],
    ['id', { id: 8 }],
    ['timeout', { timeoutMs: 5_001 }],
    ['pattern', { pattern: 'orders.cancel' }],
    ['metadata', { metadata: '' }],
    ['encoding', { encoding: 2 }],
    ['payload', { payload: Buffer.from('{"amount":9}') }],
  ])('takes no signature of another %s', (_, change) => {
    expect(checker().verify(token, { ...FIELDS, ...change })).toEqual({ ok: false, failure: 'wrong' });
  });

  it('tells apart fields that look the same when they are joined', () => {
    const signed = signer().sign({ ...FIELDS, serverId: 'ab', pattern: 'c' });
    expect(checker().verify(signed, { ...FIELDS, serverId: 'a', pattern: 'bc' }).ok).toBe(false);
  });

  it('makes no difference between no metadata and an empty object, as neither leaves a trace', () => {
    const signed = signer().sign({ ...FIELDS, metadata: '{}' });
    expect(checker().verify(signed, { ...FIELDS, metadata: '' }).ok).toBe(true);
  });

  it.each([
    ['another key', signer({ key: new Secret(Buffer.alloc(32, 3)) }).sign(FIELDS)],
    ['another time', `1.${nameText}.${NOW + 1}.${nonceText}.${macText}`],
    ['another nonce', `1.${nameText}.${NOW}.${'A'.repeat(22)}.${macText}`],
    ['another name', `1.${Buffer.from('größe/1').toString('base64url')}.${NOW}.${nonceText}.${macText}`],
  ])('takes no signature with %s', (_, made) => {
    expect(checker().verify(made, FIELDS)).toEqual({ ok: false, failure: 'wrong' });
  });

  it.each([30_001, -30_001])('takes no signature from %i ms ago', age => {
    const signed = signer({ now: NOW - age }).sign(FIELDS);
    expect(checker().verify(signed, FIELDS)).toEqual({ ok: false, failure: 'expired' });
  });

  it('takes no signature of a name that has no key', () => {
    const signed = signer({ name: 'stranger' }).sign(FIELDS);
    expect(checker().verify(signed, FIELDS)).toEqual({ ok: false, failure: 'unknown' });
  });

  it.each([
    '',
    '1',
    `2${token.slice(1)}`,
    `${token}.`,
    `${token}\n`,
    `1..${NOW}.${nonceText}.${macText}`,
    `1.${'A'.repeat(1_401)}.${NOW}.${nonceText}.${macText}`,
    `1.${nameText}.-1.${nonceText}.${macText}`,
    `1.${nameText}.01.${nonceText}.${macText}`,
    `1.${nameText}.1e3.${nonceText}.${macText}`,
    `1.${nameText}.${NOW}.${nonceText}A.${macText}`,
    `1.${nameText}.${NOW}.${nonceText}.${macText.slice(1)}`,
  ])('takes no token that is not of its form: %j', made => {
    expect(checker().verify(made, FIELDS)).toEqual({ ok: false, failure: 'malformed' });
  });

  it('remembers nothing of wrong signatures, and takes no more than it can remember', () => {
    const signatures = checker({ maxNonces: 1 });
    const wrong = signer({ key: new Secret(Buffer.alloc(32, 3)) }).sign(FIELDS);
    const tokens = [wrong, wrong, token, signer().sign(FIELDS)];
    const verdicts = tokens.map(each => signatures.verify(each, FIELDS));
    expect(verdicts.map(verdict => (verdict.ok ? 'ok' : verdict.failure))).toEqual(['wrong', 'wrong', 'ok', 'busy']);
  });
});
