import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClientZmq, type ZmqClientOptions } from 'nestjs-zeromq';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificates } from '../../sample-app/security/certificates.js';
import { serviceConnection } from '../../sample-app/security/connection.js';
import type { IdentityName } from '../../sample-app/security/identities.js';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { codeBlocks, readDocument, section } from '../support/markdown.js';
import { SampleProgram } from '../support/sample-program.js';

/** Commands of the README that call the service, each with what it prints. */
const CALLS = codeBlocks(section(readDocument('README.md'), 'Who may talk'), 'sh')
  .join('')
  .split('\n')
  .filter(line => line.includes('call.main.js'))
  .map(line => line.split(' # ') as [command: string, printed: string]);
const FREE_PORTS = { ZMQ_BIND: 'tcp://127.0.0.1:*', HTTP_PORT: '0' };
const FORBIDDEN = { code: 'FORBIDDEN', message: 'Not allowed.' };
const READING = { deviceId: 'press-7', metric: 'temperature', value: 71.5 };

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'nestjs-zeromq-sample-app-'));
const certs = join(folder, 'certs');
const clients: ClientZmq[] = [];

beforeAll(ensureBuild, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await Promise.all(clients.map(client => client.close()));
  SampleProgram.killLeftovers();
  rmSync(folder, { recursive: true });
});

function connect(options: ZmqClientOptions): ClientZmq {
  const client = new ClientZmq({ timeout: 10_000, ...options });
  clients.push(client);
  return client;
}

/** The answer, or the error. */
const ask = (client: ClientZmq, pattern: string, data: unknown = {}): Promise<unknown> =>
  firstValueFrom(client.send<unknown>(pattern, data)).catch((error: unknown) => error);

describe('the telemetry service with --secure', () => {
  let service: SampleProgram;
  let serviceUrl: string;

  beforeAll(async () => {
    const env = { ...FREE_PORTS, CERTS: certs };
    service = SampleProgram.start({ name: 'service', args: ['--secure'], env });
    serviceUrl = await service.endpoint();
  });

  afterAll(() => service?.stop());

  const connectAs = (name: IdentityName) => connect(serviceConnection({ serviceUrl, certs }, name));

  it('listens with TLS, and says in one line that it has made the certificates', () => {
    expect(serviceUrl).toMatch(/^tls:\/\/127\.0\.0\.1:\d+$/);
    expect(service.output.match(/^certificates in .*$/gm)).toEqual([
      `certificates in ${certs}: 6 made by nestjs-zeromq keygen tls-dev, 0 were there`,
    ]);
  });

  it.runIf(process.platform !== 'win32')('keeps the keys from others', () => {
    const modes = ['ca', 'server', 'client-press-7', 'client-admin'].map(
      name => statSync(join(certs, `${name}.key`)).mode & 0o777,
    );

    expect(modes).toEqual([0o600, 0o600, 0o600, 0o600]);
  });

  it.each([
    ['press-7', ['device']],
    ['analyst', ['analyst']],
    ['admin', ['admin']],
    ['gateway', ['device', 'analyst']],
  ] as const)('tells %s who it is', async (identity, roles) => {
    expect(await ask(connectAs(identity), 'whoami')).toEqual({
      identity,
      roles,
      listener: expect.stringMatching(/^tls:/),
      fingerprint: expect.stringMatching(/^[\dA-F]{64}$/),
    });
  });

  it('lets a device send and not read', async () => {
    const device = connectAs('press-7');

    expect(await ask(device, 'telemetry.ingest', READING)).toEqual({ stored: true });
    expect(await ask(device, 'telemetry.stats', { deviceId: 'press-7' })).toMatchObject(FORBIDDEN);
    expect(await ask(device, 'telemetry.watch')).toMatchObject(FORBIDDEN);
    expect(await ask(device, 'telemetry.forget', { deviceId: 'press-7' })).toMatchObject(FORBIDDEN);
  });

  it('lets an analyst read and not send', async () => {
    const device = connectAs('press-7');
    const analyst = connectAs('analyst');
    const blob = (await ask(device, 'blobs.put', Buffer.from('hello'))) as { sha256: string };
    await ask(device, 'telemetry.ingest', { ...READING, deviceId: 'press-8' });

    expect(await ask(analyst, 'telemetry.stats', { deviceId: 'press-8' })).toMatchObject({ temperature: { count: 1 } });
    expect(await ask(analyst, 'telemetry.watch', { deviceId: 'press-8' })).toMatchObject({ value: 71.5 });
    expect(await ask(analyst, 'blobs.get', { sha256: blob.sha256 })).toEqual(Buffer.from('hello'));
    expect(await ask(analyst, 'blobs.put', Buffer.from('hello'))).toMatchObject(FORBIDDEN);
    expect(await ask(analyst, 'telemetry.ingest', READING)).toMatchObject(FORBIDDEN);
    expect(await ask(analyst, 'telemetry.forget', { deviceId: 'press-8' })).toMatchObject(FORBIDDEN);
  });

  it('drops the events of an analyst', async () => {
    const analyst = connectAs('analyst');
    await lastValueFrom(analyst.emit('telemetry.reading', { ...READING, deviceId: 'forged' }), {
      defaultValue: undefined,
    });

    expect(await ask(analyst, 'telemetry.stats', { deviceId: 'forged' })).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('lets an admin make it forget a device', async () => {
    const admin = connectAs('admin');
    await ask(admin, 'telemetry.ingest', { ...READING, deviceId: 'press-9' });

    expect(await ask(admin, 'telemetry.forget', { deviceId: 'press-9' })).toEqual({ forgotten: true });
    expect(await ask(admin, 'telemetry.forget', { deviceId: 'press-9' })).toEqual({ forgotten: false });
    expect(await ask(admin, 'telemetry.stats', { deviceId: 'press-9' })).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('tells nobody which patterns there are', async () => {
    expect(await ask(connectAs('admin'), 'telemetry.secret')).toMatchObject(FORBIDDEN);
  });

  it('refuses a client without a certificate', async () => {
    const nobody = connect(serviceConnection({ serviceUrl, certs }));

    await expect(nobody.connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('refuses a certificate of another authority, whatever its name', async () => {
    const others = join(folder, 'others');
    await makeCertificates(others);
    const { tls: theirs } = serviceConnection({ serviceUrl, certs: others }, 'admin');
    const { tls: ours } = serviceConnection({ serviceUrl, certs });
    const forger = connect({ connect: serviceUrl, connectTimeout: 2_000, tls: { ...theirs, ...ours } });

    await expect(forger.connect()).rejects.toMatchObject({
      code: expect.stringMatching(/^(UNAUTHENTICATED|DISCONNECTED)$/),
    });
  });

  it('refuses a client that does not speak TLS', async () => {
    const plain = connect({ connect: serviceUrl.replace('tls:', 'tcp:'), connectTimeout: 2_000 });

    await expect(plain.connect()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('answers the commands of the README as it says', async () => {
    const env = { ...process.env, CERTS: certs, ZMQ_URL: serviceUrl };
    const printed: string[] = [];
    for (const [command] of CALLS) {
      const run = promisify(execFile)('/bin/sh', ['-c', command], { env, encoding: 'utf8' });
      const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
      printed.push(stdout + stderr);
    }

    const promised = CALLS.map(([, text]) => text.replace(/^.*: (?=[A-Z])/, ''));
    expect(printed).toEqual(promised.map(text => expect.stringContaining(text)));
    expect(promised).toHaveLength(6);
  });

  it('serves the gateway, which forwards readings and queries', async () => {
    const env = { HTTP_PORT: '0', ZMQ_URL: serviceUrl, CERTS: certs };
    const gateway = SampleProgram.start({ name: 'gateway', args: ['--secure'], env });
    const url = await gateway.endpoint();
    const posted = await fetch(`${url}/readings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...READING, deviceId: 'by-http' }),
    });
    const stats = await fetch(`${url}/devices/by-http/stats`);
    const health = await fetch(`${url}/health`);

    expect([posted.status, stats.status, health.status]).toEqual([201, 200, 200]);
    await gateway.stop();
  });

  it('finds its certificates when it is started again', async () => {
    const env = { ...FREE_PORTS, CERTS: certs };
    const again = SampleProgram.start({ name: 'service', args: ['--secure'], env });
    const [, made, kept] = await again.line(/^certificates in .*: (\d) made .*, (\d) were there$/);

    expect([made, kept]).toEqual(['0', '6']);
    await again.endpoint();
    await again.stop();
  });
});

describe('the sample app with --secure', () => {
  it('replays readings and ends with exit code 0 with --once', async () => {
    const env = { ...FREE_PORTS, CERTS: join(folder, 'once'), INGEST_RATE: '50' };
    const program = SampleProgram.start({ name: 'main', args: ['--once', '--secure'], env });

    expect(await program.exitCode()).toBe(0);
    expect(program.output).toMatch(/^listening on tls:/m);
    expect(program.output).toMatch(/^2,250 readings stored in /m);
    expect(program.output).not.toMatch(/FORBIDDEN|forbidden/);
  });

  it('ends the gateway with exit code 1 and a message where there are no certificates', async () => {
    const nowhere = join(folder, 'nowhere');
    const gateway = SampleProgram.start({
      name: 'gateway',
      args: ['--secure'],
      env: { HTTP_PORT: '0', CERTS: nowhere },
    });

    expect(await gateway.exitCode()).toBe(1);
    expect(gateway.output).toBe(
      `There are no certificates in ${nowhere}: a service that is started with --secure makes them`,
    );
    expect(existsSync(nowhere)).toBe(false);
  });
});

describe('the telemetry service without --secure', () => {
  it('takes everybody on this machine for nobody in particular, with all roles', async () => {
    const service = SampleProgram.start({ name: 'service', env: FREE_PORTS });
    const client = connect({ connect: await service.endpoint() });

    const answer = await ask(client, 'whoami');
    expect(answer).toEqual({ roles: ['device', 'analyst', 'admin'], listener: expect.stringMatching(/^tcp:/) });
    expect(await ask(client, 'telemetry.ingest', READING)).toEqual({ stored: true });
    expect(await ask(client, 'telemetry.forget', { deviceId: 'press-7' })).toEqual({ forgotten: true });

    await client.close();
    await service.stop();
  });
});
