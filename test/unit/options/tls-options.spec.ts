import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientTlsOptions, serverTlsOptions } from '../../../lib/options/tls-options.js';
import { readSource } from '../../../lib/security/key-files.js';
import { isDeeplyFrozen } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const SECRET = 'c2VjcmV0IHBhcnQ';
const PEM = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`;
const FILES = { certFile: 'server.pem', keyFile: 'server.key' };

const server = (value: unknown) => serverTlsOptions(value, 'tls');
const client = (value: unknown) => clientTlsOptions(value, 'tls');
const refusal = (resolve: (value: unknown) => unknown, value: unknown) => {
  const { code, message } = refusalOf(() => resolve(value));
  return `${code}: ${message}`;
};

describe('tls of a server', () => {
  it('is none unless it is given', () => {
    expect(server(undefined)).toBeUndefined();
  });

  it('has the documented defaults', () => {
    expect(server(FILES)).toEqual({
      cert: { file: 'server.pem' },
      key: { file: 'server.key' },
      passphrase: undefined,
      ca: undefined,
      crl: undefined,
      requireCertificate: false,
      minVersion: 'TLSv1.2',
      ciphers: undefined,
      sni: new Map(),
      reloadInterval: 60_000,
    });
  });

  it('takes texts as well as files, frozen, and shows none of what is secret', () => {
    const sni = { '*.example.com': { cert: PEM, key: PEM, passphrase: SECRET } };
    const tls = server({ cert: PEM, key: PEM, passphrase: SECRET, ca: PEM, crl: PEM, sni });
    expect(isDeeplyFrozen(tls)).toBe(true);
    expect(inspect(tls, { depth: 9, showHidden: true })).not.toContain(SECRET);
    expect(tls && readSource(tls.key, true)).toBe(PEM);
    expect(tls?.sni.get('*.example.com')?.passphrase?.reveal()).toBe(SECRET);
  });

  it('asks for certificates of clients where it can tell who has signed them, unless told otherwise', () => {
    expect(server({ ...FILES, caFile: 'ca.pem' })?.requireCertificate).toBe(true);
    expect(server({ ...FILES, caFile: 'ca.pem', requireCertificate: false })?.requireCertificate).toBe(false);
    expect(server({ ...FILES, requireCertificate: false })?.requireCertificate).toBe(false);
  });

  it.each([[0], [100], [86_400_000]])('looks at its files every %d ms, or never', reloadInterval => {
    expect(server({ ...FILES, reloadInterval })?.reloadInterval).toBe(reloadInterval);
  });

  it.each<[options: unknown, message: string]>([
    [{ keyFile: 'a' }, 'tls.cert or certFile must be given'],
    [{ certFile: 'a' }, 'tls.key or keyFile must be given'],
    [{ ...FILES, cert: PEM }, 'tls.cert and tls.certFile cannot both be given'],
    [{ ...FILES, key: PEM }, 'tls.key and tls.keyFile cannot both be given'],
    [{ ...FILES, ca: PEM, caFile: 'a' }, 'tls.ca and tls.caFile cannot both be given'],
    [{ ...FILES, ca: PEM, crl: PEM, crlFile: 'a' }, 'tls.crl and tls.crlFile cannot both be given'],
    [{ ...FILES, crlFile: 'a' }, 'tls.ca must be given with crl'],
    [{ ...FILES, requireCertificate: true }, 'tls.ca must be given with requireCertificate'],
    [{ ...FILES, requireCertificate: 1 }, 'tls.requireCertificate must be true or false'],
    [{ ...FILES, minVersion: 'TLSv1.1' }, "tls.minVersion must be one of TLSv1.2, TLSv1.3, but is 'TLSv1.1'"],
    [{ ...FILES, ciphers: '' }, "tls.ciphers must be a text that is not empty, but is ''"],
    [{ ...FILES, ciphers: ['a'] }, 'tls.ciphers must be a text that is not empty, but is an array'],
    [{ ...FILES, reloadInterval: 99 }, 'tls.reloadInterval must be a number of milliseconds from 100 to 86400000'],
    [{ ...FILES, reloadInterval: 86_400_001 }, 'tls.reloadInterval must be'],
    [{ ...FILES, reloadInterval: '1s' }, 'tls.reloadInterval must be'],
    [{ ...FILES, passphrase: '' }, 'tls.passphrase must be a text that is not empty.'],
    [{ ...FILES, servername: 'a' }, "tls has no option 'servername'"],
    [{ ...FILES, sni: [] }, 'tls.sni must be an object of certificates by host name, but is an array'],
    [{ ...FILES, sni: null }, 'tls.sni must be an object of certificates by host name, but is null'],
    [{ ...FILES, sni: { 'a b': FILES } }, "tls.sni['a b'] is no host name"],
    [{ ...FILES, sni: { 'a.*.b': FILES } }, "tls.sni['a.*.b'] is no host name"],
    [{ ...FILES, sni: { '*': FILES } }, "tls.sni['*'] is no host name"],
    [{ ...FILES, sni: { 'a.b': undefined } }, "tls.sni['a.b'].cert or certFile must be given"],
    [{ ...FILES, sni: { 'a.b': { certFile: 'a' } } }, "tls.sni['a.b'].key or keyFile must be given"],
    [{ ...FILES, sni: { 'a.b': { ...FILES, caFile: 'a' } } }, "tls.sni['a.b'] has no option 'caFile'"],
    [null, 'tls must be an object, but is null'],
    [true, 'tls must be an object, but is true'],
  ])('refuses %j: %s', (options, message) => {
    expect(refusal(server, options)).toContain(`INVALID_OPTIONS: ${message}`);
  });

  it('takes up to 1,000 host names', () => {
    const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`h${at}`, FILES]));
    expect(server({ ...FILES, sni: names(1_000) })?.sni.size).toBe(1_000);
    expect(refusal(server, { ...FILES, sni: names(1_001) })).toContain('at most 1000 host names, but has 1001');
  });

  it.each<[what: string, options: unknown]>([
    ['in the place of the group', PEM],
    ['in the place of its certificates by name', { ...FILES, sni: PEM }],
    ['in the place of one of these', { ...FILES, sni: { 'a.b': PEM } }],
    ['as a path', { ...FILES, keyFile: PEM }],
    ['without its first line', { certFile: 'a', key: SECRET }],
    ['as bytes', { certFile: 'a', key: Buffer.from(SECRET) }],
    ['in a list', { certFile: 'a', key: [PEM] }],
    ['as a passphrase in a list', { ...FILES, passphrase: [SECRET] }],
  ])('does not show a key that is given %s', (_, options) => {
    const message = refusal(server, options);
    expect(message).toMatch(/^INVALID_OPTIONS: tls.* must be /);
    expect(message).not.toMatch(new RegExp(`${SECRET.slice(0, 6)}|PRIVATE`));
  });
});

describe('tls of a client', () => {
  it('is that of Node unless something is given', () => {
    const defaults = {
      certificate: undefined,
      ca: undefined,
      servername: undefined,
      minVersion: 'TLSv1.2',
      ciphers: undefined,
    };
    expect([client(undefined), client({})]).toEqual([defaults, defaults]);
  });

  it('may have a certificate of its own', () => {
    const tls = client({ ...FILES, caFile: 'ca.pem', servername: 'zmq.example', minVersion: 'TLSv1.3' });
    expect(tls).toMatchObject({
      certificate: { cert: { file: 'server.pem' }, key: { file: 'server.key' } },
      ca: { file: 'ca.pem' },
      servername: 'zmq.example',
      minVersion: 'TLSv1.3',
    });
    expect(isDeeplyFrozen(tls)).toBe(true);
  });

  it.each<[options: unknown, message: string]>([
    [{ certFile: 'a' }, 'tls.key or keyFile must be given'],
    [{ key: PEM }, 'tls.cert or certFile must be given'],
    [{ ca: PEM, caFile: 'a' }, 'tls.ca and tls.caFile cannot both be given'],
    [{ servername: '' }, "tls.servername must be a text that is not empty, but is ''"],
    [{ servername: 'x'.repeat(4_097) }, 'tls.servername must be'],
    [{ requireCertificate: true }, "tls has no option 'requireCertificate'"],
  ])('refuses %j: %s', (options, message) => {
    expect(refusal(client, options)).toContain(`INVALID_OPTIONS: ${message}`);
  });

  it('does not show a key that is given in the place of the group', () => {
    expect(refusal(client, PEM)).toBe('INVALID_OPTIONS: tls must be an object, but is a text.');
  });
});
