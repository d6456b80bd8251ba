import { createPrivateKey } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { clientTlsOptions, serverTlsOptions } from '../../../lib/options/tls-options.js';
import { TestAuthority, type Pems } from '../../support/test-authority.js';
import { enter, openTlsGate, TestFiles } from '../../support/tls-gate.js';

let authority: TestAuthority;
let server: Pems;
let client: Pems;
const PASSPHRASE = 'open sesame, or whatever';
let encryptedKey: string;
beforeAll(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue({ hosts: ['ip:127.0.0.1'] });
  client = await authority.issue({ name: 'press-7' });
  const options = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const;
  encryptedKey = createPrivateKey(client.key).export(options).toString();
});

/** All that can be seen of a value. */
function shown(value: unknown): string {
  return inspect(value, {
    depth: Infinity,
    showHidden: true,
    getters: true,
    maxStringLength: null,
    maxArrayLength: null,
  });
}

/** Parts of a key that show that it is there. */
function partsOf({ key }: Pick<Pems, 'key'>): string[] {
  const lines = key.split('\n').slice(1, -2);
  const bytes = Buffer.from(lines.join(''), 'base64');
  const hex = bytes.subarray(0, 200).toString('hex');
  return [...lines.map(line => line.slice(0, 40)), hex, (hex.match(/../g) ?? []).slice(30, 50).join(' ')];
}

function expectNothingOf(pems: Pick<Pems, 'key'>, ...values: readonly unknown[]) {
  for (const value of values) {
    const text = shown(value);
    for (const part of [...partsOf(pems), PASSPHRASE]) {
      expect(text).not.toContain(part);
    }
  }
}

describe('the key of a listener', () => {
  it('is seen nowhere in the gate, before and after a reload', async () => {
    const other = await authority.issue({ hosts: ['plant.example'] });
    const next = await authority.issue({ hosts: ['ip:127.0.0.1'] });
    const files = new TestFiles();
    files.write({ 'cert.pem': server.cert, 'key.pem': server.key });
    const {
      server: gate,
      endpoint,
      reloads,
    } = await openTlsGate({
      tls: {
        certFile: files.path('cert.pem'),
        keyFile: files.path('key.pem'),
        ca: authority.cert,
        sni: { 'plant.example': other },
      },
    });
    expect((await enter(endpoint, { ca: authority.cert, ...client })).isIn).toBe(true);
    const { connections, doors } = gate as unknown as { connections: Map<string, unknown>; doors: readonly unknown[] };
    expectNothingOf(server, gate, gate.unwrap(), connections, doors);
    expectNothingOf(other, gate, doors);
    files.write({ 'cert.pem': next.cert, 'key.pem': next.key });
    gate.reloadTls();
    expect(reloads).toHaveLength(1);
    expectNothingOf(next, gate, doors, reloads);
  });

  it('is seen in no options, nor are they in JSON', () => {
    const options = serverTlsOptions({ ...server, passphrase: PASSPHRASE }, 'tls');
    expect(JSON.stringify(options)).toContain('[redacted]');
    expectNothingOf(server, options, JSON.stringify(options));
  });
});

describe('the key of a client', () => {
  it('is seen neither in its socket nor beneath', async () => {
    const { endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    const tls = { ca: authority.cert, cert: client.cert, key: encryptedKey, passphrase: PASSPHRASE };
    const entered = await enter(endpoint, tls);
    expect(entered.isIn).toBe(true);
    for (const pems of [client, { key: encryptedKey }]) {
      expectNothingOf(pems, entered.client, entered.client.unwrap(), clientTlsOptions(tls, 'tls'));
    }
  });

  it('is in no error if its passphrase is wrong or missing', async () => {
    const { endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    for (const passphrase of ['wrong passphrase', undefined]) {
      const tls = { ca: authority.cert, cert: client.cert, key: encryptedKey, ...(passphrase && { passphrase }) };
      const { loss } = await enter(endpoint, tls);
      expect(loss?.reason).toMatch(/^cannot connect: tls has a certificate or key that cannot be used/);
      expect(loss?.reason).not.toContain('wrong passphrase');
      expectNothingOf({ key: encryptedKey }, loss);
    }
  });
});
