import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../../lib/cli/cli.js';
import {
  createDevCertificates,
  createDevCrl,
  type CertificateFiles,
} from '../../../../lib/cli/keygen/dev-certificates.js';
import { FakeIo } from '../../../support/attacks/fake-io.js';

const DAY_MS = 86_400_000;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zmq-tls-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const certificate = (file: string) => new X509Certificate(readFileSync(file));
const modeOf = (file: string) => statSync(file).mode & 0o777;

describe('createDevCertificates', () => {
  it('makes an authority, a server and its clients, with keys that only their owner can read', async () => {
    const clients = [{ name: 'press-7', role: 'device' }, { name: 'anna' }];
    const made = await createDevCertificates({ dir, clients });
    const ca = certificate(made.ca);
    const press = certificate(made.clients['press-7']?.cert ?? '');
    expect(ca.ca).toBe(true);
    expect(certificate(made.server.cert).subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect([press.subject, certificate(made.clients['anna']?.cert ?? '').subject]).toEqual([
      'CN=press-7\nOU=device',
      'CN=anna',
    ]);
    expect([press.checkIssued(ca), press.verify(ca.publicKey), press.ca]).toEqual([true, true, false]);
    expect([made.server.key, made.clients['anna']?.key ?? '', join(dir, 'ca.key')].map(modeOf)).toEqual([
      0o600, 0o600, 0o600,
    ]);
  });

  it('makes certificates that hold as long as asked for, and an authority that outlives a few of them', async () => {
    const { ca, server } = await createDevCertificates({ dir, days: 10 });
    const daysOf = (file: string) => Math.round((Date.parse(certificate(file).validTo) - Date.now()) / DAY_MS);
    expect([daysOf(ca), daysOf(server.cert)]).toEqual([365, 10]);
  });

  it('names other hosts', async () => {
    const { server } = await createDevCertificates({ dir, hosts: ['press.example', '*.example', '2001:db8::1'] });
    const { subjectAltName } = certificate(server.cert);
    expect(subjectAltName).toBe('DNS:press.example, DNS:*.example, IP Address:2001:DB8:0:0:0:0:0:1');
  });

  it('adds clients later, by the same authority, and keeps what holds', async () => {
    const before = await createDevCertificates({ dir, clients: [{ name: 'a' }] });
    const texts = [before.ca, before.server.cert].map(file => readFileSync(file, 'utf8'));
    const after = await createDevCertificates({ dir, clients: [{ name: 'a' }, { name: 'b' }] });
    expect([after.ca, after.server.cert].map(file => readFileSync(file, 'utf8'))).toEqual(texts);
    expect(after.kept).toEqual([join(dir, 'server.pem'), join(dir, 'client-a.pem')]);
    expect(certificate(after.clients['b']?.cert ?? '').verify(certificate(after.ca).publicKey)).toBe(true);
  });

  it.each<[string, () => Promise<void>]>([
    ['was told to', async () => void (await createDevCertificates({ dir, force: true }))],
    [
      'has another authority',
      async () => {
        rmSync(join(dir, 'ca.pem'));
        rmSync(join(dir, 'ca.key'));
        await createDevCertificates({ dir });
      },
    ],
    [
      'lacks the key',
      async () => {
        rmSync(join(dir, 'server.key'));
        await createDevCertificates({ dir });
      },
    ],
  ])('makes a new certificate where it %s', async (_, again) => {
    const { server } = await createDevCertificates({ dir });
    const before = certificate(server.cert).fingerprint256;
    await again();
    expect(certificate(server.cert).fingerprint256).not.toBe(before);
    expect(certificate(server.cert).verify(certificate(join(dir, 'ca.pem')).publicKey)).toBe(true);
  });

  it('does not go on with half of an authority', async () => {
    writeFileSync(join(dir, 'ca.pem'), 'half');
    await expect(createDevCertificates({ dir })).rejects.toThrow(
      `${join(dir, 'ca.pem')} is there without ${join(dir, 'ca.key')}.`,
    );
  });

  it.each([
    [{ clients: [{ name: '../a' }] }, 'The name of a client'],
    [{ clients: [{ name: '' }] }, 'The name of a client'],
    [{ clients: [{ name: 'a', role: 'b,OU=admin' }] }, 'The role of client a'],
    [{ hosts: ['a b'] }, 'A host must be'],
    [{ days: 0 }, 'days must be'],
  ])('refuses %j before it writes anything', async (options, message) => {
    await expect(createDevCertificates({ dir: join(dir, 'new'), ...options })).rejects.toThrow(message);
    expect(statSync(join(dir, 'new'), { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('the certificates for development', () => {
  it('let mutual TLS work between a server and its clients', async () => {
    const { ca, server, clients } = await createDevCertificates({ dir, clients: [{ name: 'a', role: 'device' }] });
    const outcome = await handshake({ ca, server, client: clients['a'] });
    expect(outcome).toEqual({ admitted: true, name: 'a' });
  });

  it('keep out who has none, one of another authority, or a revoked one', async () => {
    const { ca, server, clients } = await createDevCertificates({ dir, clients: [{ name: 'a' }, { name: 'b' }] });
    const others = await createDevCertificates({ dir: join(dir, 'others'), clients: [{ name: 'a' }] });
    const { a, b } = clients;
    const nobody = readFileSync(await createDevCrl({ dir, revoke: [] }));
    const crl = readFileSync(await createDevCrl({ dir, revoke: [a?.cert ?? ''] }));
    const outcomes = [
      await handshake({ ca, server, client: undefined }),
      await handshake({ ca, server, client: others.clients['a'] }),
      await handshake({ ca, server, client: a, crl }),
      await handshake({ ca, server, client: a, crl: nobody }),
      await handshake({ ca, server, client: b, crl }),
    ];
    expect(outcomes.map(({ admitted }) => admitted)).toEqual([false, false, false, true, true]);
  });

  it('do not let a client pass for the server', async () => {
    const { ca, clients } = await createDevCertificates({ dir, clients: [{ name: 'a' }] });
    const client = clients['a'] as CertificateFiles;
    expect((await handshake({ ca, server: client, client })).admitted).toBe(false);
  });
});

describe('nestjs-zeromq keygen tls-dev', () => {
  async function run(...args: string[]) {
    const io = new FakeIo();
    return { code: await runCli(['keygen', 'tls-dev', ...args], io), stdout: io.stdout, stderr: io.stderr };
  }

  it('says of each file where it belongs, and of the authority that it must be kept', async () => {
    const { code, stdout } = await run('--out', dir, '--host', 'a.example,10.0.0.1', '--client', 'press-7:role:x');
    expect(code).toBe(0);
    expect(stdout).toContain(`${join(dir, 'client-press-7.key')}  tls.keyFile of client press-7`);
    expect(stdout).toContain('whoever has ca.key can be anybody');
    expect(certificate(join(dir, 'server.pem')).subjectAltName).toBe('DNS:a.example, IP Address:10.0.0.1');
    expect(certificate(join(dir, 'client-press-7.pem')).subject).toBe('CN=press-7\nOU=role:x');
  });

  it('does not replace a server that is there without being told', async () => {
    await run('--out', dir);
    const added = await run('--out', dir, '--client', 'a');
    const other = await run('--out', dir, '--host', 'b.example');
    const forced = await run('--out', dir, '--host', 'b.example', '--force');
    expect([added.code, other.code, forced.code]).toEqual([0, 2, 0]);
    expect(added.stdout).toContain('was there and holds, --force makes a new one');
    expect(other.stderr).toContain('--force overwrites it');
  });

  it('prints the paths as JSON', async () => {
    const { stdout } = await run('--out', dir, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ ca: join(dir, 'ca.pem'), server: { key: join(dir, 'server.key') } });
  });

  it.each([
    [[], 2, '--out is missing'],
    [['--out', 'x', '--days', '0'], 2, '--days must be'],
    [['--out', 'x', '--client', 'a/b'], 1, 'The name of a client'],
  ])('refuses %j', async (args, code, message) => {
    const result = await run(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
  });
});

interface Ends {
  readonly ca: string;
  readonly server: CertificateFiles;
  readonly client: CertificateFiles | undefined;
  readonly crl?: Buffer;
}

/** Whether the server lets the client in and the client takes the server, and what name it has shown. */
async function handshake({ ca, server, client, crl }: Ends): Promise<{ admitted: boolean; name?: string }> {
  const read = ({ cert, key }: CertificateFiles) => ({ cert: readFileSync(cert), key: readFileSync(key) });
  const authority = { ca: readFileSync(ca) };
  const listener = createServer({
    ...read(server),
    ...authority,
    ...(crl !== undefined && { crl }),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const names: string[] = [];
  listener.on('secureConnection', (socket: TLSSocket) => {
    names.push(String(socket.getPeerCertificate().subject.CN));
    socket.on('error', () => undefined).end('welcome');
  });
  listener.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, ...authority, ...(client && read(client)) });
  let admitted = false;
  // With TLS 1.3 a client learns only after its own part whether it was let in.
  socket.on('error', () => undefined).on('data', () => (admitted = true));
  await new Promise(resolve => socket.on('close', resolve));
  listener.close();
  return { admitted, ...(names[0] !== undefined && { name: names[0] }) };
}
