import { beforeAll, describe, expect, it } from 'vitest';
import type { ZmqException } from '../../../lib/errors/zmq.exception.js';
import type { ZmqClientTlsOptions } from '../../../lib/options/tls-options.js';
import { leftIn, NOTHING_LEFT } from '../../support/gate.js';
import { selfSigned, TestAuthority, type Pems } from '../../support/test-authority.js';
import { enter, openTlsGate, TestFiles } from '../../support/tls-gate.js';
import { until } from '../../support/zmq-app.js';

let authority: TestAuthority;
let stranger: TestAuthority;
let server: Pems;
let client: Pems;
/** Clients that trust the server. */
let trusting: ZmqClientTlsOptions;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  server = await authority.issue({ name: 'server', hosts: ['localhost', 'ip:127.0.0.1'] });
  client = await authority.issue({ name: 'press-7' });
  trusting = { ca: authority.cert };
});

describe('the certificate of a client', () => {
  it('lets it in, and is seen where its messages go', async () => {
    const { log, endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    const entered = await enter(endpoint, { ...trusting, ...client });
    expect(entered.isIn).toBe(true);
    await entered.client.send([Buffer.from('hello')]);
    await until(() => log.messages.length === 1);
    const { certificate } = log.messages[0]!.origin!;
    expect(certificate).toMatchObject({ subject: 'CN=press-7', commonName: 'press-7', subjectAltNames: [] });
    expect(certificate?.fingerprint).toMatch(/^[0-9A-F]{64}$/);
  });

  const flawed: readonly [what: string, make: () => Promise<Pems> | Pems | undefined, reason: string][] = [
    ['that is missing', () => undefined, 'no certificate'],
    ['that has expired', () => authority.issue({ from: -10, to: -1 }), 'CERT_HAS_EXPIRED'],
    ['that does not hold yet', () => authority.issue({ from: 1 }), 'CERT_NOT_YET_VALID'],
    ['that it has signed itself', () => selfSigned(), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['of another authority', () => stranger.issue(), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ];

  it.each(flawed)('%s keeps it out, with the reason in the report', async (_, make, reason) => {
    const pems = await make();
    const gate = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    const { isIn, loss } = await enter(gate.endpoint, { ...trusting, ...pems });
    expect([isIn, loss?.code]).toEqual([false, 'UNAUTHENTICATED']);
    // Who it was not, is no business of the peer's.
    expect(loss?.reason).toBe("the handshake failed: the server said 'not-authenticated'");
    expect(gate.log.violations).toMatchObject([
      { kind: 'not-authenticated', address: '127.0.0.1', figures: { reason } },
    ]);
    await until(() => gate.server.usage.connections === 0);
    expect([gate.log.messages, leftIn(gate.server)]).toEqual([[], NOTHING_LEFT]);
  });

  it('that has been revoked keeps it out', async () => {
    const crl = await authority.revoke(client.cert);
    const { log, endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert, crl } });
    expect((await enter(endpoint, { ...trusting, ...client })).loss?.code).toBe('UNAUTHENTICATED');
    expect(log.violations).toMatchObject([{ figures: { reason: 'CERT_REVOKED' } }]);
    const other = await authority.issue({ name: 'press-8' });
    expect((await enter(endpoint, { ...trusting, ...other })).isIn).toBe(true);
  });

  it('may be missing where none is needed, but not be wrong', async () => {
    const tls = { ...server, ca: authority.cert, requireCertificate: false };
    const { log, endpoint } = await openTlsGate({ tls });
    const without = await enter(endpoint, trusting);
    await without.client.send([Buffer.from('nobody')]);
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.origin?.certificate).toBeUndefined();
    expect((await enter(endpoint, { ...trusting, ...(await stranger.issue()) })).loss?.code).toBe('UNAUTHENTICATED');
    expect((await enter(endpoint, { ...trusting, ...client })).isIn).toBe(true);
  });

  it('is not asked for without an authority, and not taken for an identity if it is shown', async () => {
    const { log, endpoint } = await openTlsGate({ tls: server });
    const entered = await enter(endpoint, { ...trusting, ...client });
    await entered.client.send([Buffer.from('hello')]);
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.origin?.certificate).toBeUndefined();
  });
});

describe('the certificate of a server', () => {
  const flawed: readonly [what: string, make: () => Promise<Pems>, code: string][] = [
    ['has expired', () => authority.issue({ hosts: ['ip:127.0.0.1'], from: -10, to: -1 }), 'CERT_HAS_EXPIRED'],
    ['has another address', () => authority.issue({ hosts: ['ip:127.0.0.2'] }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'has a name only',
      () => authority.issue({ name: '127.0.0.1', hosts: ['localhost'] }),
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    ['is of another authority', () => stranger.issue({ hosts: ['ip:127.0.0.1'] }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['was signed by nobody else', () => selfSigned(), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ];

  it.each(flawed)('that %s keeps the client from saying a word', async (_, make, code) => {
    const { server: gate, log, endpoint } = await openTlsGate({ tls: await make() });
    const { isIn, loss } = await enter(endpoint, trusting);
    expect([isIn, loss?.code]).toEqual([false, 'UNAUTHENTICATED']);
    expect(loss?.reason).toContain("the server's certificate is not accepted");
    expect(loss?.reason).toContain(code);
    await until(() => leftIn(gate) !== undefined && gate.wheel.size === 0 && gate.usage.connections === 0);
    expect([log.messages, leftIn(gate)]).toEqual([[], NOTHING_LEFT]);
  });

  it('may be of a name that the client is told, whatever address it connects to', async () => {
    const tls = await authority.issue({ hosts: ['gate.example'] });
    const { endpoint } = await openTlsGate({ tls });
    expect((await enter(endpoint, { ...trusting, servername: 'gate.example' })).isIn).toBe(true);
    expect((await enter(endpoint, { ...trusting, servername: 'other.example' })).loss?.reason).toContain('ALTNAME');
  });

  it('is asked for by the host of the endpoint', async () => {
    const tls = await authority.issue({ hosts: ['localhost'] });
    const { endpoint } = await openTlsGate({ tls });
    expect((await enter(endpoint.replace('127.0.0.1', 'localhost'), trusting)).isIn).toBe(true);
  });

  it('is none that Node’s own authorities know, if no other is named', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    expect((await enter(endpoint, {})).loss?.code).toBe('UNAUTHENTICATED');
  });
});

describe('certificates by the name that is asked for', () => {
  const names = ['plant.example', 'one.wild.example', 'ONE.Wild.Example', 'deep.one.wild.example', 'unknown.example'];
  const outcomes = { 'plant.example': true, 'one.wild.example': true, 'ONE.Wild.Example': true };

  it.each(names)('are found by it, and by the wildcard of one label: %s', async servername => {
    const sni = {
      'plant.example': await authority.issue({ hosts: ['plant.example'] }),
      '*.wild.example': await authority.issue({ hosts: ['*.wild.example', 'deep.one.wild.example'] }),
    };
    const { endpoint } = await openTlsGate({ tls: { ...server, sni } });
    const { isIn, loss } = await enter(endpoint, { ...trusting, servername });
    expect([isIn, loss?.code]).toEqual(servername in outcomes ? [true, undefined] : [false, 'UNAUTHENTICATED']);
  });

  it('ask for certificates of clients as well', async () => {
    const sni = { 'plant.example': await authority.issue({ hosts: ['plant.example'] }) };
    const { log, endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert, sni } });
    const asked = { ...trusting, servername: 'plant.example' };
    expect((await enter(endpoint, asked)).loss?.code).toBe('UNAUTHENTICATED');
    expect((await enter(endpoint, { ...asked, ...(await stranger.issue()) })).loss?.code).toBe('UNAUTHENTICATED');
    expect(log.kinds).toEqual(['not-authenticated']);
    const entered = await enter(endpoint, { ...asked, ...client });
    await entered.client.send([Buffer.from('hello')]);
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.origin?.certificate?.commonName).toBe('press-7');
  });
});

describe('files of a server that cannot be used', () => {
  const unusable = /^tls has a certificate or key that cannot be used: /;
  const broken: readonly [what: string, texts: (own: Pems) => Record<string, string>, text: RegExp][] = [
    ['a certificate that breaks off', own => ({ 'cert.pem': own.cert.slice(0, 200) }), /^tls\.cert .*whole/],
    ['a chain that breaks off', own => ({ 'cert.pem': own.cert + server.cert.slice(0, 200) }), /^tls\.cert .*whole/],
    ['a key that breaks off', own => ({ 'key.pem': own.key.slice(0, 100) }), unusable],
    ['a key of something else', () => ({ 'key.pem': server.key }), unusable],
    ['a key in place of the certificate', own => ({ 'cert.pem': own.key }), /^tls\.cert /],
    ['nothing in place of the certificate', () => ({ 'cert.pem': '' }), /^tls\.cert /],
    ['bytes', () => ({ 'cert.pem': '\0\x01\x02'.repeat(100) }), /^tls\.cert /],
    ['a list of revoked ones that is none', own => ({ 'crl.pem': own.cert }), /^tls\.crl /],
    ['a list that breaks off', () => ({ 'crl.pem': '-----BEGIN X509 CRL-----\nMII' }), /^tls\.crl /],
    ['a list of nonsense', () => ({ 'crl.pem': '-----BEGIN X509 CRL-----\nMII\n-----END X509 CRL-----' }), unusable],
    ['no authority', () => ({ 'ca.pem': '' }), /^tls\.ca /],
    ['a key in place of the authority', own => ({ 'ca.pem': own.key }), /^tls\.ca /],
    ['an authority that breaks off', () => ({ 'ca.pem': authority.cert.slice(0, 300) }), /^tls\.ca /],
    ['a second one that does', () => ({ 'ca.pem': authority.cert + stranger.cert.slice(0, 300) }), /^tls\.ca /],
  ];

  it.each(broken)('such as %s are refused at the start, and nothing of them is shown', async (_, texts, text) => {
    const files = new TestFiles();
    const own = await authority.issue({ hosts: ['ip:127.0.0.1'] });
    const crl = await authority.revoke();
    files.write({ 'cert.pem': own.cert, 'key.pem': own.key, 'ca.pem': authority.cert, 'crl.pem': crl, ...texts(own) });
    const tls = {
      certFile: files.path('cert.pem'),
      keyFile: files.path('key.pem'),
      caFile: files.path('ca.pem'),
      crlFile: files.path('crl.pem'),
    };
    const error = await openTlsGate({ tls }).catch((reason: unknown) => reason);
    const { code, message } = error as ZmqException;
    expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringMatching(text)]);
    const shown = `${(error as Error).stack} ${String((error as Error).cause)}`;
    for (const line of own.key.split('\n').slice(1, -2)) {
      expect(shown).not.toContain(line.slice(0, 30));
    }
  });

  it.runIf(process.geteuid !== undefined)('such as a key that others may read are refused', () => {
    const files = new TestFiles();
    files.write({ 'cert.pem': server.cert, 'secret.pem': server.key });
    const tls = { certFile: files.path('cert.pem'), keyFile: files.path('secret.pem') };
    return expect(openTlsGate({ tls })).rejects.toThrow(/others have rights to it \(mode 0644\)/);
  });

  it('such as a broken one of another name are named by it', async () => {
    const sni = { 'plant.example': { ...server, key: client.key } };
    await expect(openTlsGate({ tls: { ...server, sni } })).rejects.toThrow(/^tls\.sni\['plant\.example'\] has/);
  });

  it('of a client are told in its loss, without a crash', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    const { loss } = await enter(endpoint, { ...trusting, cert: client.cert, key: server.key });
    expect(loss?.reason).toContain('cannot connect: tls has a certificate or key that cannot be used');
  });

  it('of a client that trusts nobody are told as well, instead of trusting everybody', async () => {
    const files = new TestFiles();
    files.write({ 'ca.pem': '' });
    const { loss } = await enter('tls://127.0.0.1:1', { caFile: files.path('ca.pem') });
    expect(loss?.reason).toMatch(
      /^cannot connect: tls\.ca \(.*ca\.pem\) must be certificates in PEM, each of them whole/,
    );
  });
});
