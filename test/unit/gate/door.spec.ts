import { X509Certificate } from 'node:crypto';
import { copyFileSync, writeFileSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Door, type GateBind } from '../../../lib/gate/door.js';
import type { TlsReload } from '../../../lib/gate/tls-handshakes.js';
import { clientTlsOptions } from '../../../lib/options/tls-options.js';
import { makeCertificates, serverTls, type TestCertificates } from '../../support/dev-certificates.js';
import { createGateClient, openGateClient } from '../../support/gate-client.js';
import { leftIn, NOTHING_LEFT, openGate } from '../../support/gate.js';
import { refusalOf } from '../../support/refusal.js';
import { onCleanup, until } from '../../support/zmq-app.js';

let certificates: TestCertificates;
let others: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates('press-7');
  others = await makeCertificates('press-7');
});
afterAll(() => {
  certificates.remove();
  others.remove();
});

const ENDPOINT = 'tls://127.0.0.1:*';

function createDoor(bind: Partial<GateBind> = {}) {
  const reloads: [name: string, reload: TlsReload][] = [];
  const door = new Door({
    bind: { endpoint: ENDPOINT, ...bind },
    onTlsReloaded: (...told) => reloads.push(told),
  });
  onCleanup(() => door.close());
  return { door, reloads };
}

/** TLS of a client that trusts the server's authority. */
function clientTls({ ca, clients }: TestCertificates, name?: string) {
  const { cert, key } = (name === undefined ? undefined : clients[name]) ?? {};
  return clientTlsOptions({ caFile: ca, ...(cert !== undefined && { certFile: cert, keyFile: key }) }, 'tls');
}

describe('a door of the gate', () => {
  it('is open for all by the mechanism NULL, and named by its endpoint, unless something else is said', () => {
    const { door } = createDoor({ endpoint: 'tcp://127.0.0.1:1' });
    const { name, endpoint, mechanism, authenticate, roles, requiresCertificate, tls } = door;
    expect([name, endpoint, mechanism, authenticate, roles, requiresCertificate, tls]).toEqual([
      'tcp://127.0.0.1:1',
      'tcp://127.0.0.1:1',
      'NULL',
      undefined,
      [],
      false,
      undefined,
    ]);
    expect(door.addresses.isOpen).toBe(true);
  });

  it('keeps networks away, and lets in others alone', () => {
    const { door } = createDoor({ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] });
    const admitted = ['10.0.0.1', '10.1.0.1', '11.0.0.1', '::ffff:10.2.3.4'].map(each => door.addresses.admits(each));
    expect(admitted).toEqual([true, false, false, true]);
  });

  it.each([
    [{}, false],
    [{ requireCertificate: false }, false],
    [{ requireCertificate: true }, true],
  ])('needs a certificate if its TLS does: %j', (options, isNeeded) => {
    const tls = serverTls(certificates, { ...(isNeeded && { caFile: certificates.ca }), ...options });
    expect(createDoor({ tls }).door.requiresCertificate).toBe(isNeeded);
  });

  it('is not made with a key of another certificate, and does not show the key', () => {
    const tls = serverTls(certificates, { keyFile: others.server.key });
    const { code, message } = refusalOf(() => createDoor({ tls }));
    expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining('cannot be used')]);
    expect(message).not.toContain('PRIVATE');
  });

  it('is not made with a file that is not there', () => {
    const tls = serverTls(certificates, { certFile: '/nowhere/server.pem' });
    expect(refusalOf(() => createDoor({ tls })).message).toBe('/nowhere/server.pem cannot be read (ENOENT).');
  });

  it('tells by its name when its certificate is a new one, and when that cannot be used', async () => {
    const own = await makeCertificates();
    onCleanup(() => own.remove());
    const { door, reloads } = createDoor({ name: 'plant', tls: serverTls(own) });
    door.tls?.reload();
    expect(reloads).toEqual([]);
    copyFileSync(others.server.cert, own.server.cert);
    copyFileSync(others.server.key, own.server.key);
    door.tls?.reload();
    const validTo = new Date(new X509Certificate(readFileSync(others.server.cert)).validTo);
    expect(reloads).toEqual([['plant', { validTo }]]);
    writeFileSync(own.server.cert, 'no certificate');
    door.tls?.reload();
    expect(reloads[1]).toEqual(['plant', { error: expect.any(Error), validTo }]);
  });
});

describe('doors of one gate', () => {
  it('tell where a message has come in', async () => {
    const { server, log, endpoint } = await openGate({
      bind: [
        { endpoint: 'tcp://127.0.0.1:*', name: 'here', roles: ['local'] },
        { endpoint: ENDPOINT, name: 'plant', tls: serverTls(certificates, { caFile: certificates.ca }) },
      ],
    });
    const secured = server.endpoints[1] as string;
    const clients = [
      createGateClient(endpoint),
      createGateClient(secured, { tls: clientTls(certificates, 'press-7') }),
    ];
    for (const client of clients) {
      client.open({ message: () => undefined, lost: () => undefined });
      await client.send([Buffer.from('hello')]);
    }
    await until(() => log.messages.length === 2);
    const origins = log.messages.map(({ origin }) => origin);
    expect(origins.find(origin => origin?.listener === 'here')).toMatchObject({
      address: '127.0.0.1',
      listenerRoles: ['local'],
      certificate: undefined,
    });
    expect(origins.find(origin => origin?.listener === 'plant')).toMatchObject({
      mechanism: 'NULL',
      listenerRoles: [],
      certificate: { commonName: 'press-7' },
    });
  });

  it.each<[what: string, tls: () => ReturnType<typeof clientTls>, reason: string]>([
    ['without a certificate', () => clientTls(certificates), 'no certificate'],
    [
      'with one of another authority',
      () => ({ ...clientTls(others, 'press-7'), ca: { file: certificates.ca } }),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ])('refuse a client %s where one is asked for', async (_, tls, reason) => {
    const bind = { endpoint: ENDPOINT, tls: serverTls(certificates, { caFile: certificates.ca }) };
    const { server, log, endpoint } = await openGate({ bind });
    const { client } = openGateClient(endpoint, { tls: tls() });
    void client.send([Buffer.from('never')]);
    const { figures, address } = await log.untilViolation('not-authenticated');
    expect([figures['reason'], address, log.messages]).toEqual([reason, '127.0.0.1', []]);
    client.close(0);
    await until(() => server.usage.connections === 0 && server.wheel.size === 0, 10_000);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('cut off whom they do not want before a byte is read', async () => {
    const bind = { endpoint: 'tcp://127.0.0.1:*', name: 'plant', deny: ['127.0.0.0/8'] };
    const { server, log, endpoint } = await openGate({ bind });
    const { client } = openGateClient(endpoint);
    void client.send([Buffer.from('never')]);
    const violation = await log.untilViolation('address-denied');
    expect(violation).toMatchObject({ address: '127.0.0.1', action: 'disconnect', figures: { reason: 'plant' } });
    expect(server.usage.connections).toBe(0);
  });
});
