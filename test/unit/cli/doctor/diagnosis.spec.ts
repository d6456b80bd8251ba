import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { diagnose, type Circumstances } from '../../../../lib/cli/doctor/diagnosis.js';
import { createDevCertificates, type DevCertificates } from '../../../../lib/cli/keygen/dev-certificates.js';
import type { ZmqServerOptions } from '../../../../lib/options/server-options.js';

const DAY_MS = 86_400_000;
const libzmq = { version: '4.3.5', capabilities: ['curve', 'ipc'] };
const { secretKey, publicKey } = curveKeyPair();

let dir: string;
let certificates: DevCertificates;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'zmq-doctor-'));
  certificates = await createDevCertificates({ dir, days: 30, clients: [{ name: 'a' }] });
});
afterAll(() => rmSync(dir, { recursive: true }));

async function findings(options: ZmqServerOptions, circumstances: Partial<Circumstances> = {}): Promise<string[]> {
  const diagnosis = await diagnose(options, { libzmq, ...circumstances });
  return diagnosis.findings.map(({ level, text }) => `${level}: ${text}`);
}

function tls(changes: ZmqServerOptions['tls'] = {}): ZmqServerOptions {
  const { cert, key } = certificates.server;
  return { bind: 'tls://0.0.0.0:5555', tls: { certFile: cert, keyFile: key, caFile: certificates.ca, ...changes } };
}

describe('diagnose', () => {
  it('finds nothing wrong with a server without options', async () => {
    expect(await findings({})).toEqual([]);
  });

  it('tells the versions of all that a server runs with', async () => {
    const { versions } = await diagnose(undefined);
    expect(versions).toMatchObject({ node: process.version, openssl: process.versions.openssl });
    expect(versions['libzmq']).toMatch(/^\d+\.\d+\.\d+ \(.*curve.*\)$/);
    for (const name of ['nestjs-zeromq', 'zeromq', '@nestjs/common', '@nestjs/core', '@nestjs/microservices']) {
      expect(versions[name]).toMatch(/^\d+\.\d+\.\d+/);
    }
  });

  it('leaves out packages that are not where the server runs, but for those that come with this one', async () => {
    const { versions } = await diagnose(undefined, { directory: dir });
    expect(versions['zeromq']).toBeDefined();
  });

  it('tells what is wrong with options that are wrong, and nothing that would follow from them', async () => {
    const diagnosis = await diagnose({ limits: { maxDepth: 0 } }, { libzmq });
    expect(diagnosis.server).toBeUndefined();
    expect(diagnosis.findings).toEqual([
      { level: 'error', text: expect.stringContaining('limits.maxDepth must be a whole number') as string },
    ]);
  });

  it('shows no secret of the options', async () => {
    const { server } = await diagnose({
      bind: 'ipc:///run/a.sock',
      curve: { secretKey },
      identities: { a: { curveKey: publicKey, signingKey: Buffer.alloc(32, 65).toString('base64') } },
      authenticator: new (class Directory {
        readonly token = 'hunter2';
        authenticate = () => undefined;
      })(),
    });
    const text = JSON.stringify(server?.options);
    expect(text).toContain(publicKey);
    expect(text).toContain('"authenticator":"[Directory]"');
    expect(text).not.toContain(secretKey);
    expect(text).not.toMatch(/hunter2|QUFB|AAAA/);
  });
});

describe('the listeners in a diagnosis', () => {
  it('tell who can reach them, and what protects them', async () => {
    const { server } = await diagnose({
      ...tls(),
      bind: [
        'tls://0.0.0.0:5555',
        { endpoint: 'tcp://127.0.0.1:5556', allow: '10.0.0.0/8' },
        'ipc:///run/a.sock',
        'inproc://a',
      ],
    });
    expect(server?.listeners).toEqual([
      { endpoint: 'tls://0.0.0.0:5555', engine: 'gate', reach: 'other machines', protection: 'mutual TLS' },
      {
        endpoint: 'tcp://127.0.0.1:5556',
        engine: 'gate',
        reach: 'this machine',
        protection: 'from 10.0.0.0/8 only',
      },
      { endpoint: 'ipc:///run/a.sock', engine: 'zeromq', reach: 'this machine', protection: 'none' },
      { endpoint: 'inproc://a', engine: 'zeromq', reach: 'this process', protection: 'none' },
    ]);
  });

  it('are an error where others reach what nothing protects, unless that is meant', async () => {
    const bind = 'tcp://0.0.0.0:5555';
    const problem = `${bind} can be reached from other machines, by anybody, without authentication or encryption`;
    expect(await findings({ bind })).toEqual([`error: ${problem}. A server would not start, see allowInsecure.`]);
    expect(await findings({ bind, allowInsecure: true })).toEqual([
      `warning: ${problem}; allowInsecure lets it be so.`,
    ]);
  });

  it('are an error where passwords cross the network, or every key is let in', async () => {
    const plain = { endpoint: 'tcp://0.0.0.0:5555', mechanism: 'PLAIN' as const };
    const curve: ZmqServerOptions = { bind: 'tcp://0.0.0.0:5555', curve: { secretKey } };
    const listed = { ...curve, identities: { a: { curveKey: publicKey } } };
    expect((await findings({ bind: plain }))[0]).toContain('passwords would cross the network readable to all');
    expect((await findings(curve))[0]).toContain('lets in everybody who knows its public key');
    expect((await findings(listed)).filter(text => text.startsWith('error'))).toEqual([]);
  });

  it('are worth a warning where libzmq faces the network', async () => {
    const found = await findings({ bind: 'tcp://0.0.0.0:5555', engine: 'zeromq', allowInsecure: true });
    expect(found).toContainEqual(expect.stringContaining('which does not bound its memory against a hostile peer'));
  });

  it('are an error where libzmq lacks the mechanism', async () => {
    const options: ZmqServerOptions = { bind: 'ipc:///run/a.sock', curve: { secretKey } };
    const found = await findings(options, { libzmq: { version: '4.3.5', capabilities: [] } });
    expect(found).toEqual(['error: This libzmq was built without CURVE.']);
  });
});

describe('the memory in a diagnosis', () => {
  it('is shared out to the last byte', async () => {
    const { server } = await diagnose({ memoryBudget: '64mb', limits: { maxMessageSize: '1mb' } });
    const { receiving = 0, held = 0, rest = 0, gates } = server?.memory ?? {};
    expect({ sum: receiving + held + rest, receiving }).toEqual({ sum: 64 * 1024 ** 2, receiving: 16 * 1024 ** 2 });
    expect(gates).toMatchObject([{ largestMessages: 16, connections: 1_024, maxConnections: 10_000 }]);
  });

  it('is divided among listeners with limits of their own', async () => {
    const { server } = await diagnose({
      memoryBudget: '64mb',
      bind: [
        'tcp://127.0.0.1:5555',
        'tcp://127.0.0.1:5556',
        { endpoint: 'tcp://127.0.0.1:5557', gate: { maxConnections: 5 } },
      ],
    });
    expect(server?.memory.gates).toMatchObject([
      { endpoints: ['tcp://127.0.0.1:5555', 'tcp://127.0.0.1:5556'], largestMessages: 8 },
      { endpoints: ['tcp://127.0.0.1:5557'], largestMessages: 8, connections: 5 },
    ]);
  });

  it('is worth a warning where it is short of messages, or of what may wait', async () => {
    const found = await findings({ memoryBudget: '4mb', limits: { maxMessageSize: '1mb' } });
    expect(found).toContainEqual(expect.stringContaining('leaves room for 2 incomplete messages'));
    expect(found).toContainEqual(expect.stringContaining('limits.outboxSize (16 MB) is above memoryBudget (4 MB)'));
  });

  it('is worth a warning where libzmq does not keep to it', async () => {
    const found = await findings({ engine: 'zeromq', memoryBudget: '64mb' });
    expect(found).toEqual([expect.stringContaining('libzmq may keep')]);
  });
});

describe('libzmq in a diagnosis', () => {
  it.each([
    ['4.3.2', 'CVE-2020-15166 (fixed in 4.3.3)'],
    ['4.3.x', "calls itself '4.3.x'"],
  ])('is worth a warning where it has known flaws, or hides them: %s', async (version, text) => {
    expect(await findings({}, { libzmq: { ...libzmq, version } })).toEqual([expect.stringContaining(text)]);
  });
});

describe('the credentials in a diagnosis', () => {
  it('are right when they hold and belong together', async () => {
    expect(await findings(tls())).toEqual([]);
  });

  it.each([
    ['soon', 20, 'warning', 'holds until'],
    ['by now', 31, 'error', 'does not hold now'],
    ['only later', -1, 'error', 'does not hold now'],
  ])('are reported when they end or begin %s', async (_, days, level, text) => {
    const found = await findings(tls({ requireCertificate: true }), { now: Date.now() + days * DAY_MS });
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${level}: .*server.pem ${text}`)));
  });

  it('are an error when the key is that of another certificate, or none', async () => {
    const other = certificates.clients['a']?.key ?? '';
    expect(await findings(tls({ keyFile: other }))).toEqual([
      `error: ${other} is not the key of ${certificates.server.cert}.`,
    ]);
    const none = join(dir, 'none.key');
    writeFileSync(none, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', { mode: 0o600 });
    expect((await findings(tls({ keyFile: none })))[0]).toContain('is no private key, or its passphrase is wrong');
  });

  it('are an error when a file is missing, is no certificate, or others may read it', async () => {
    const open = join(dir, 'open.key');
    writeFileSync(open, secretKey);
    chmodSync(open, 0o644);
    const curve: ZmqServerOptions = { bind: 'ipc:///run/a.sock', curve: { secretKeyFile: open } };
    expect((await findings(tls({ caFile: join(dir, 'no.pem') })))[0]).toContain('cannot be read (ENOENT)');
    expect((await findings(tls({ caFile: open })))[0]).toContain('is no certificate');
    const [exposed = ''] = await findings(curve);
    expect(exposed).toContain('holds a secret, but others have rights to it');
    expect(exposed).not.toContain(secretKey);
  });
});
