import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Entrance } from '../../../lib/gate/entrance.js';
import type { GateServerSocket } from '../../../lib/gate/gate-server-socket.js';
import type { ZmqClientTlsOptions } from '../../../lib/options/tls-options.js';
import { HANDSHAKE, messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { TestAuthority, type Pems } from '../../support/test-authority.js';
import { enter, openTlsGate, TestFiles, type TlsGateSettings } from '../../support/tls-gate.js';
import { onCleanup, until } from '../../support/zmq-app.js';

let authority: TestAuthority;
let trusting: ZmqClientTlsOptions;
let first: Pems;
let second: Pems;
let client: Pems;
beforeAll(async () => {
  authority = await TestAuthority.create();
  trusting = { ca: authority.cert };
  const hosts = ['ip:127.0.0.1'];
  [first, second] = await Promise.all([authority.issue({ hosts }), authority.issue({ hosts, to: 60 })]);
  client = await authority.issue({ name: 'press-7' });
});

/** A gate whose certificate, key, authority and list of revoked certificates are files. */
async function openWithFiles(settings: Omit<TlsGateSettings, 'tls'> = {}, tls: TlsGateSettings['tls'] = {}) {
  const files = new TestFiles();
  const crl = await authority.revoke();
  files.write({ 'cert.pem': first.cert, 'key.pem': first.key, 'ca.pem': authority.cert, 'crl.pem': crl });
  const gate = await openTlsGate({
    ...settings,
    tls: {
      certFile: files.path('cert.pem'),
      keyFile: files.path('key.pem'),
      caFile: files.path('ca.pem'),
      crlFile: files.path('crl.pem'),
      ...tls,
    },
  });
  return { ...gate, files };
}

const halfOpenOf = (server: GateServerSocket) => (server as unknown as { entrance: Entrance }).entrance.halfOpen;

/** The certificate that the server shows now. */
async function shownBy(endpoint: string): Promise<string> {
  const peer = new RawZmtp(endpoint);
  await peer.connected();
  const { raw } = (peer.socket as unknown as { getPeerCertificate(): { raw: Buffer } }).getPeerCertificate();
  peer.socket.destroy();
  return raw.toString('base64');
}

const derOf = ({ cert }: Pems) => cert.replace(/-----[A-Z ]+-----|\s/g, '');

describe('new files of a certificate', () => {
  it('are taken for connections from now on, and those that there are go on', async () => {
    const { server, log, reloads, endpoint, files } = await openWithFiles();
    const before = await enter(endpoint, { ...trusting, ...client });
    files.write({ 'cert.pem': second.cert, 'key.pem': second.key });
    expect(await shownBy(endpoint)).toBe(derOf(first));
    server.reloadTls();
    expect(await shownBy(endpoint)).toBe(derOf(second));
    expect(reloads).toEqual([{ validTo: expect.any(Date) }]);
    expect(reloads[0]!.validTo.getTime() - Date.now()).toBeGreaterThan(59 * 86_400_000);
    await before.client.send([Buffer.from('still here')]);
    await until(() => log.messages.length === 1);
    expect(before.loss).toBeUndefined();
  });

  it('are looked at from time to time', async () => {
    const { reloads, endpoint, files } = await openWithFiles({}, { reloadInterval: 100 });
    files.write({ 'cert.pem': second.cert, 'key.pem': second.key });
    await until(() => reloads.some(({ error }) => error === undefined));
    expect(await shownBy(endpoint)).toBe(derOf(second));
  });

  it('say nothing if they say the same', async () => {
    const { server, reloads, files } = await openWithFiles();
    files.write({ 'cert.pem': first.cert });
    server.reloadTls();
    expect(reloads).toEqual([]);
  });

  const unusable: readonly [what: string, change: (files: TestFiles) => void][] = [
    ['break off', files => files.write({ 'cert.pem': second.cert.slice(0, 300) })],
    ['do not belong together', files => files.write({ 'cert.pem': second.cert })],
    ['are gone', files => rmSync(files.path('key.pem'))],
    ['are empty', files => files.write({ 'ca.pem': '' })],
    ['have a list of revoked ones that is none', files => files.write({ 'crl.pem': 'nothing' })],
  ];

  it.each(unusable)('that %s are told, and not used until they are in order again', async (_, change) => {
    const { server, reloads, endpoint, files } = await openWithFiles();
    change(files);
    server.reloadTls();
    expect(reloads).toEqual([
      { validTo: expect.any(Date), error: expect.objectContaining({ code: 'INVALID_OPTIONS' }) },
    ]);
    expect(await shownBy(endpoint)).toBe(derOf(first));
    expect((await enter(endpoint, { ...trusting, ...client })).isIn).toBe(true);
    const crl = await authority.revoke();
    files.write({ 'cert.pem': second.cert, 'key.pem': second.key, 'ca.pem': authority.cert, 'crl.pem': crl });
    server.reloadTls();
    expect(reloads[1]).toEqual({ validTo: expect.any(Date) });
    expect(await shownBy(endpoint)).toBe(derOf(second));
  });

  it('are shown by name as well', async () => {
    const files = new TestFiles();
    files.write({ 'named.pem': first.cert, 'named-key.pem': first.key });
    const sni = { '127.example': { certFile: files.path('named.pem'), keyFile: files.path('named-key.pem') } };
    const { server, reloads, endpoint } = await openTlsGate({ tls: { ...first, sni } });
    const shown = async () => {
      const tls = { rejectUnauthorized: false, servername: '127.example' };
      const peer = new RawZmtp(endpoint, { tls });
      await peer.connected();
      return (peer.socket as unknown as { getPeerCertificate(): { raw: Buffer } })
        .getPeerCertificate()
        .raw.toString('base64');
    };
    files.write({ 'named.pem': second.cert, 'named-key.pem': second.key });
    expect(await shown()).toBe(derOf(first));
    server.reloadTls();
    expect(await shown()).toBe(derOf(second));
    expect(reloads).toHaveLength(1);
  });

  it('lose no message of those who send meanwhile', async () => {
    const { server, log, endpoint, files } = await openWithFiles();
    const peers = await Promise.all([1, 2, 3].map(() => enter(endpoint, { ...trusting, ...client })));
    await Promise.all(peers.map(async peer => peer.client.send([Buffer.from('first')])));
    await until(() => log.messages.length === peers.length);
    const count = 200;
    for (let index = 0; index < count; index++) {
      await Promise.all(peers.map(async peer => peer.client.send([Buffer.from(String(index))])));
      if (index % 20 === 0) {
        const pems = index % 40 === 0 ? second : first;
        files.write({ 'cert.pem': pems.cert, 'key.pem': pems.key });
        server.reloadTls();
      }
    }
    await until(() => log.messages.length === peers.length * (count + 1));
    expect(peers.map(({ loss }) => loss)).toEqual([undefined, undefined, undefined]);
  });
});

describe('a certificate that is revoked', () => {
  it('lets nobody in any more once the list is read, and keeps the connections that it has', async () => {
    const { server, log, endpoint, files } = await openWithFiles();
    const before = await enter(endpoint, { ...trusting, ...client });
    files.write({ 'crl.pem': await authority.revoke(client.cert) });
    server.reloadTls();
    const after = await enter(endpoint, { ...trusting, ...client });
    expect([after.isIn, after.loss?.code]).toEqual([false, 'UNAUTHENTICATED']);
    expect(log.violations).toMatchObject([{ kind: 'not-authenticated', figures: { reason: 'CERT_REVOKED' } }]);
    await before.client.send([Buffer.from('still here')]);
    await until(() => log.messages.length === 1);
    expect(before.loss).toBeUndefined();
  });

  it('is found in the second list of a file as well', async () => {
    const other = await TestAuthority.create();
    const revoked = await other.issue();
    const { log, endpoint } = await openTlsGate({
      tls: {
        ...first,
        ca: `${authority.cert}\n${other.cert}`,
        crl: `${await authority.revoke()}\n${await other.revoke(revoked.cert)}`,
      },
    });
    expect((await enter(endpoint, { ...trusting, ...client })).isIn).toBe(true);
    expect((await enter(endpoint, { ...trusting, ...revoked })).loss?.code).toBe('UNAUTHENTICATED');
    expect(log.violations).toMatchObject([{ figures: { reason: 'CERT_REVOKED' } }]);
  });

  it.each(['TLS', 'ZMTP'])('lets nobody in whose handshake of %s was under way when the list was read', async stage => {
    const { server, log, endpoint, files } = await openWithFiles();
    const crl = await authority.revoke(client.cert);
    const carrier = connect({ host: '127.0.0.1', port: Number(endpoint.split(':').at(-1)) });
    onCleanup(() => carrier.destroy());
    await until(() => halfOpenOf(server) === 1);
    const secure = () => new RawZmtp(endpoint, { tls: { ...client, socket: carrier, rejectUnauthorized: false } });
    const begun = stage === 'ZMTP' ? secure() : undefined;
    await begun?.connected();
    await until(() => server.usage.connections === (stage === 'ZMTP' ? 1 : 0));
    files.write({ 'crl.pem': crl });
    server.reloadTls();
    const late = begun ?? secure();
    late.write(HANDSHAKE, messageBytes('never'));
    await late.untilEnded();
    expect([log.messages, log.violations, halfOpenOf(server), server.usage.connections]).toEqual([[], [], 0, 0]);
  });
});

describe('certificates of clients', () => {
  it('are renewed while they run: each connection is made with the files of its time', async () => {
    const files = new TestFiles();
    const expired = await authority.issue({ name: 'old', from: -10, to: -1 });
    files.write({ 'cert.pem': expired.cert, 'key.pem': expired.key, 'ca.pem': authority.cert });
    const { endpoint, log } = await openWithFiles();
    const tls = {
      caFile: files.path('ca.pem'),
      certFile: files.path('cert.pem'),
      keyFile: files.path('key.pem'),
    };
    expect((await enter(endpoint, tls)).loss?.code).toBe('UNAUTHENTICATED');
    expect(log.violations).toMatchObject([{ figures: { reason: 'CERT_HAS_EXPIRED' } }]);
    files.write({ 'cert.pem': client.cert, 'key.pem': client.key });
    expect((await enter(endpoint, tls)).isIn).toBe(true);
  });
});

describe('a gate that is closed', () => {
  it('looks at no files any more', async () => {
    const { server, reloads, files } = await openWithFiles({}, { reloadInterval: 100 });
    await server.close();
    files.write({ 'cert.pem': second.cert, 'key.pem': second.key });
    await new Promise(resolve => setTimeout(resolve, 250));
    expect(reloads).toEqual([]);
  });
});
