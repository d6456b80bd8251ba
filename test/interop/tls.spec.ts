import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { leftIn, NOTHING_LEFT } from '../support/gate.js';
import { sClient, whyNoOpenssl } from '../support/openssl.js';
import { python } from '../support/python.js';
import { TestAuthority, type Pems } from '../support/test-authority.js';
import { openTlsGate, TestFiles } from '../support/tls-gate.js';
import { onCleanup, until } from '../support/zmq-app.js';

const inCi = process.env['CI'] === 'true';
const missing = whyNoOpenssl();
if (missing !== undefined && !inCi) {
  console.warn(`What openssl sees of TLS is left out: ${missing}`);
}

let authority: TestAuthority;
let server: Pems;
let client: Pems;
beforeAll(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue({ name: 'server', hosts: ['localhost', 'ip:127.0.0.1'] });
  client = await authority.issue({ name: 'press-7' });
});

// Programs that are started take their time on a busy machine.
describe.skipIf(missing !== undefined && !inCi)('what openssl sees of a listener', { timeout: 60_000 }, () => {
  /** Paths of the authority's certificate, and of a client's certificate and key. */
  function files() {
    const all = new TestFiles();
    all.write({ 'ca.pem': authority.cert, 'client.pem': client.cert, 'client-key.pem': client.key });
    const path = (name: string) => all.path(name);
    return { path, trust: ['-CAfile', path('ca.pem'), '-verify_return_error'] };
  }

  it('is its certificate, which is in order for its name and its address', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    const { trust } = files();
    for (const check of [
      ['-verify_ip', '127.0.0.1'],
      ['-servername', 'localhost', '-verify_hostname', 'localhost'],
    ]) {
      const { text } = await sClient(endpoint, [...trust, ...check]);
      expect(text).toContain('Verify return code: 0 (ok)');
      expect(text).toMatch(/0 s:CN = server/);
    }
    expect((await sClient(endpoint, [...trust, '-verify_hostname', 'other.example'])).text).toContain(
      'hostname mismatch',
    );
    expect((await sClient(endpoint, ['-verify_return_error'])).text).not.toContain('Verify return code: 0 (ok)');
  });

  it('is the whole chain, if there is one', async () => {
    const tls = { cert: `${server.cert}\n${authority.cert}`, key: server.key };
    const { endpoint } = await openTlsGate({ tls });
    expect(
      (await sClient(endpoint, ['-showcerts'])).text.match(/-----BEGIN CERTIFICATE-----/g)?.length,
    ).toBeGreaterThan(1);
  });

  it.each<[flag: string, outcome: RegExp]>([
    ['-tls1_3', /New, TLSv1\.3, Cipher is TLS_/],
    ['-tls1_2', /New, TLSv1\.2, Cipher is ECDHE-/],
    ['-tls1_1', /Cipher is \(NONE\)/],
    ['-tls1', /Cipher is \(NONE\)/],
  ])('is the version of TLS: %s', async (flag, outcome) => {
    const { endpoint } = await openTlsGate({ tls: server });
    expect((await sClient(endpoint, [flag, '-cipher', 'DEFAULT@SECLEVEL=0'])).text).toMatch(outcome);
  });

  it('is the protocol (ALPN)', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    expect((await sClient(endpoint, ['-alpn', 'zmtp/3.1'])).text).toContain('ALPN protocol: zmtp/3.1');
    expect((await sClient(endpoint, [])).text).toContain('No ALPN negotiated');
    expect((await sClient(endpoint, ['-alpn', 'h2'])).text).toContain('no application protocol');
  });

  it.each(['-tls1_3', '-tls1_2'])('is no session that could be resumed: %s', async flag => {
    const { endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    const { path } = files();
    const mutual = ['-cert', path('client.pem'), '-key', path('client-key.pem'), flag];
    expect((await sClient(endpoint, [...mutual, '-sess_out', path('session')])).text).toContain('New, TLSv1.');
    const { text } = await sClient(endpoint, [...mutual, '-sess_in', path('session')]);
    expect(text).toContain('New, TLSv1.');
    expect(text).not.toContain('Reused, ');
  });

  it('is whose certificates it asks for', async () => {
    const { endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    expect((await sClient(endpoint, [])).text).toMatch(
      /Acceptable client certificate CA names\s+CN = test [0-9a-f]{8}/,
    );
    const without = await openTlsGate({ tls: server });
    expect((await sClient(without.endpoint, [])).text).toContain('No client certificate CA names sent');
  });

  it('is the greeting of ZMTP', async () => {
    const { endpoint } = await openTlsGate({ tls: server });
    const { text } = await sClient(endpoint, ['-quiet']);
    expect(text).toContain('\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL');
  });
});

/** ZMTP 3.1 as it is written in RFC 37, by hand. */
const GREETING = Buffer.concat([
  Buffer.from('ff00000000000000007f0301', 'hex'),
  Buffer.from('NULL'.padEnd(20, '\0')),
  Buffer.alloc(32),
]);
const READY = Buffer.concat([Buffer.from([4, 28]), Buffer.from('\x05READY\x0bSocket-Type\0\0\0\x06DEALER', 'latin1')]);

describe('a client that is Node’s tls alone', () => {
  async function connectByHand(endpoint: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const port = Number(endpoint.split(':').at(-1));
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, ...options });
    onCleanup(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('gets its message back, with %s', async maxVersion => {
    const { server: gate, log, endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    log.onMessage = (peerId, frames) => void gate.send(peerId, frames);
    const socket = await connectByHand(endpoint, { ...client, maxVersion });
    expect([socket.authorized, socket.getProtocol()]).toEqual([true, maxVersion]);
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    socket.write(GREETING);
    await until(() => received.length >= GREETING.length);
    expect(received.slice(0, 12)).toBe('\xff\0\0\0\0\0\0\0\0\x7f\x03\x01');
    socket.write(READY);
    await until(() => received.includes('\x05READY\x0bSocket-Type\0\0\0\x06ROUTER'));
    received = '';
    socket.write(Buffer.concat([Buffer.from([1, 4]), Buffer.from('head'), Buffer.from([0, 4]), Buffer.from('body')]));
    await until(() => received.length >= 12);
    expect(received).toBe('\x01\x04head\x00\x04body');
    expect(log.messages[0]!.origin?.certificate?.commonName).toBe('press-7');
    socket.end();
    await until(() => gate.usage.connections === 0);
    expect(leftIn(gate)).toEqual(NOTHING_LEFT);
  });

  it('is told in TLS whose certificates would do', async () => {
    const { endpoint } = await openTlsGate({ tls: { ...server, ca: authority.cert } });
    const socket = await connectByHand(endpoint);
    // Without one it is let in by TLS, and refused by ZMTP, which can say so.
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    socket.write(Buffer.concat([GREETING, READY]));
    await once(socket, 'close');
    expect(received).toContain('\x05ERROR\x11not-authenticated');
  });
});

/** Debian's Python, whose libssl is the system's. */
const whyNoLibssl = await python('tls-key-updates.py', await closedPort(), '0').then(
  () => undefined,
  (error: Error) => (/no TLS|ConnectionRefused/.test(error.message) ? undefined : error.message),
);

async function closedPort(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return String(port);
}

describe.skipIf(whyNoLibssl !== undefined && !inCi)('a client of libssl', { timeout: 60_000 }, () => {
  it('that changes its keys without end is put out (A11)', async () => {
    const gate = await openTlsGate({ tls: server });
    const { sent } = (await python('tls-key-updates.py', gate.endpoint.split(':').at(-1)!, '2000000')) as {
      sent: number;
    };
    expect(await gate.log.untilViolation('command-rate')).toMatchObject({
      id: 'A11',
      action: 'disconnect',
      figures: { limit: 64 * 1024 },
    });
    expect(sent).toBeLessThan(2_000_000);
    await until(() => gate.server.usage.connections === 0);
    expect(leftIn(gate.server)).toEqual(NOTHING_LEFT);
  });

  it('may change them now and then', async () => {
    const gate = await openTlsGate({ tls: server });
    expect(await python('tls-key-updates.py', gate.endpoint.split(':').at(-1)!, '100')).toEqual({ sent: 100 });
    expect(gate.log.violations).toEqual([]);
  });
});
