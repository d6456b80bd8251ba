import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Dealer, Router } from 'zeromq';
import { createDevCertificates, type CertificateFiles } from '../../lib/cli/keygen/dev-certificates.js';
import { clientTlsOptions } from '../../lib/options/tls-options.js';
import { hashPassword } from '../../lib/security/password-hashing.js';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { openGateClient } from '../support/gate-client.js';
import { RawZmtp } from '../support/raw-zmtp.js';
import { onCleanup, until } from '../support/zmq-app.js';
import { anyIpc, configFile, GateProcess, rewriteConfig, temporaryDirectory } from '../unit/cli/gate/gate-process.js';

const PASSWORD = 'correct horse battery staple';
const PRESSES = { 'press-7': { certificate: 'CN=press-7' }, 'press-8': { certificate: 'CN=press-8' } };

/** A service that knows nothing of security, and sends back what it gets. */
async function plainService(): Promise<string> {
  const endpoint = anyIpc();
  const router = new Router({ linger: 0 });
  onCleanup(() => router.close());
  await router.bind(endpoint);
  void (async () => {
    for await (const message of router) {
      await router.send(message);
    }
  })().catch(() => undefined);
  return endpoint;
}

/** Certificates of an authority of their own. */
async function authority() {
  const clients = [{ name: 'press-7' }, { name: 'press-8' }, { name: 'stranger' }];
  return createDevCertificates({ dir: temporaryDirectory(), clients });
}

type Authority = Awaited<ReturnType<typeof authority>>;

/** The group `tls` of a gate for peers with certificates. */
function mutualTls({ ca, server }: Authority) {
  return { certFile: server.cert, keyFile: server.key, caFile: ca };
}

/** A peer that trusts the authority, and shows a certificate or none. */
function peerOf(gate: GateProcess, { ca }: Authority, certificate?: CertificateFiles) {
  const files = certificate && { certFile: certificate.cert, keyFile: certificate.key };
  return openGateClient(gate.endpoint, { tls: clientTlsOptions({ caFile: ca, ...files }, 'tls') });
}

async function isAnswered({ client, log }: ReturnType<typeof openGateClient>): Promise<boolean> {
  void client.send([Buffer.from('hello')]);
  await until(() => log.messages.length > 0 || log.losses.length > 0);
  return log.messages.length > 0;
}

function dealerAt(endpoint: string, username: string, password: string): Dealer {
  const options = { linger: 0, receiveTimeout: 5_000, plainUsername: username, plainPassword: password };
  const dealer = new Dealer(options);
  onCleanup(() => dealer.close());
  dealer.connect(endpoint);
  return dealer;
}

beforeAll(ensureBuild, BUILD_TIMEOUT_MS);

describe('nestjs-zeromq gate with mutual TLS in front of a plain service', () => {
  it('lets in whose certificate belongs to an identity, and no others', async () => {
    const ours = await authority();
    const config = {
      listen: 'tls://127.0.0.1:*',
      forward: await plainService(),
      tls: mutualTls(ours),
      identities: PRESSES,
    };
    const gate = await GateProcess.configured(configFile(config));
    expect(await isAnswered(peerOf(gate, ours, ours.clients['press-7']))).toBe(true);
    expect(await isAnswered(peerOf(gate, ours, ours.clients['stranger']))).toBe(false);
    expect(await gate.until('violation')).toMatchObject({ kind: 'not-authenticated', figures: { reason: 'unknown' } });
    await gate.until('status', ({ violations }) => violations === 1);
  });

  it.each([
    ['no certificate', /^no certificate$/, async () => undefined],
    ['one of another authority', /^UNABLE_TO_[A-Z_]+$/, async () => (await authority()).clients['press-7']],
  ])('refuses a peer with %s, and says why', async (_what, reason, certificateOf) => {
    const ours = await authority();
    const { cert, key } = ours.server;
    const flags = ['--tls-cert', cert, '--tls-key', key, '--tls-ca', ours.ca];
    const gate = new GateProcess([
      '--listen',
      'tls://127.0.0.1:*',
      '--forward',
      await plainService(),
      '--json',
      ...flags,
    ]);
    await gate.until('started');
    expect(await isAnswered(peerOf(gate, ours, await certificateOf()))).toBe(false);
    const { kind, figures } = await gate.until('violation');
    expect(kind).toBe('not-authenticated');
    expect(String((figures as { reason: unknown }).reason)).toMatch(reason);
    expect(await isAnswered(peerOf(gate, ours, ours.clients['press-8']))).toBe(true);
  });

  it('sends away whose identity is taken off the list, on SIGHUP, and nobody else', async () => {
    const ours = await authority();
    const config = {
      listen: 'tls://127.0.0.1:*',
      forward: await plainService(),
      tls: mutualTls(ours),
      identities: PRESSES,
    };
    const path = configFile(config);
    const gate = await GateProcess.configured(path);
    const revoked = peerOf(gate, ours, ours.clients['press-7']);
    const other = peerOf(gate, ours, ours.clients['press-8']);
    expect(await Promise.all([revoked, other].map(isAnswered))).toEqual([true, true]);

    rewriteConfig(path, { ...config, identities: { 'press-8': PRESSES['press-8'] } });
    gate.kill('SIGHUP');
    expect(await gate.until('reloaded')).toMatchObject({ changed: ['identities.press-7: removed'], ignored: [] });
    await until(() => revoked.log.losses.length > 0);
    expect(await isAnswered(peerOf(gate, ours, ours.clients['press-7']))).toBe(false);
    void other.client.send([Buffer.from('still here')]);
    await until(() => other.log.messages.length === 2);
    expect(other.log.losses).toEqual([]);
  });

  it('takes over a new certificate on SIGHUP, and keeps the old one when the new one is broken', async () => {
    const [first, second] = [await authority(), await authority()];
    const directory = temporaryDirectory();
    const files = { cert: join(directory, 'server.pem'), key: join(directory, 'server.key') };
    const install = ({ cert, key }: CertificateFiles) => {
      copyFileSync(cert, files.cert);
      copyFileSync(key, files.key);
    };
    install(first.server);
    const tls = { certFile: files.cert, keyFile: files.key };
    const gate = await GateProcess.configured(
      configFile({ listen: 'tls://127.0.0.1:*', forward: await plainService(), tls }),
    );
    expect(await isAnswered(peerOf(gate, first))).toBe(true);

    install(second.server);
    gate.kill('SIGHUP');
    expect(await gate.until('tls')).toMatchObject({ state: 'reloaded', listener: 'tls://127.0.0.1:*' });
    expect(await isAnswered(peerOf(gate, second))).toBe(true);
    expect(await isAnswered(peerOf(gate, first))).toBe(false);

    rewriteConfig(files.cert, 'no certificate');
    gate.kill('SIGHUP');
    const failed = await gate.until('tls', ({ state }) => state === 'failed');
    expect(failed['reason']).toContain('certificate');
    expect(await isAnswered(peerOf(gate, second))).toBe(true);
  });
});

describe('nestjs-zeromq gate with access lists', () => {
  it('cuts off who is denied, those that are connected as well', async () => {
    const config = { listen: { endpoint: 'tcp://127.0.0.1:*', name: 'local' }, forward: await plainService() };
    const path = configFile({ ...config, deny: '127.0.0.2' });
    const gate = await GateProcess.configured(path);
    await expect(RawZmtp.open(gate.endpoint, { localAddress: '127.0.0.2' })).rejects.toThrow('hung up');
    expect(await gate.until('violation')).toMatchObject({ kind: 'address-denied', address: '127.0.0.2' });
    const [third, fourth] = await Promise.all(
      ['127.0.0.3', '127.0.0.4'].map(localAddress => RawZmtp.open(gate.endpoint, { localAddress })),
    );

    rewriteConfig(path, { ...config, deny: '127.0.0.3' });
    gate.kill('SIGHUP');
    expect(await gate.until('reloaded')).toMatchObject({ changed: ['listen.0.deny.0: 127.0.0.2/32 → 127.0.0.3/32'] });
    await third?.untilEnded();
    const second = await RawZmtp.open(gate.endpoint, { localAddress: '127.0.0.2' });
    second.send('now allowed');
    await until(() => second.messages.length === 1);
    expect(fourth?.hasEnded).toBe(false);
  });
});

describe('nestjs-zeromq gate with passwords', () => {
  it('lets in who knows one, on this machine, and has no password in its log', async () => {
    const passwordHash = await hashPassword(PASSWORD);
    const config = { listen: 'tcp://127.0.0.1:*', mechanism: 'PLAIN', identities: { ann: { passwordHash } } };
    const path = configFile({ ...config, forward: await plainService() });
    const gate = await GateProcess.configured(path);
    const right = dealerAt(gate.endpoint, 'ann', PASSWORD);
    await right.send('hello');
    expect(String((await right.receive())[0])).toBe('hello');
    dealerAt(gate.endpoint, 'ann', 'a wrong guess');
    const refused = await gate.until('violation', ({ kind }) => kind === 'not-authenticated');
    expect(refused).toMatchObject({ figures: { reason: 'wrong-password' }, address: '127.0.0.1' });
    expect(gate.stdout + gate.stderr).not.toMatch(new RegExp(`${PASSWORD}|a wrong guess|scrypt`));
  });

  it('keeps all as it was where other settings would let nobody in', async () => {
    const config = { listen: 'tcp://127.0.0.1:*', forward: await plainService() };
    const path = configFile(config);
    const gate = await GateProcess.configured(path);
    const peer = await RawZmtp.open(gate.endpoint);
    rewriteConfig(path, { ...config, identities: PRESSES, gate: { maxFrames: 3 } });
    gate.kill('SIGHUP');
    const { reason } = await gate.until('reload-failed');
    expect(reason).toContain('would let nobody in');
    peer.send('1', '2', '3', '4');
    await until(() => peer.messages.length === 1);
  });
});

describe('nestjs-zeromq gate where other machines can reach it', () => {
  it('ends with 2, and names the three ways out', async () => {
    const gate = new GateProcess(['--listen', 'tcp://0.0.0.0:*', '--forward', anyIpc()]);
    expect(await gate.ended).toEqual({ code: 2, signal: null });
    expect(gate.stderr).toMatch(
      /tcp:\/\/0\.0\.0\.0:\* can be reached.*tcp:\/\/127\.0\.0\.1.*--tls-cert.*--allow-insecure/,
    );
  });
});
