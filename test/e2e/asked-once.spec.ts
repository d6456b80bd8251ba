import { afterEach, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { ServerZmq } from 'nestjs-zeromq';
import { rejectionOf } from '../support/rejection.js';
import { createClient } from '../support/zmq-app.js';

const keys = { server: curveKeyPair(), listed: curveKeyPair(), foreign: curveKeyPair() };
const servers: ServerZmq[] = [];

async function listening(): Promise<ServerZmq> {
  const server = new ServerZmq({
    bind: 'tcp://127.0.0.1:*',
    curve: { secretKey: keys.server.secretKey },
    identities: { press: { curveKey: keys.listed.publicKey } },
  });
  servers.push(server);
  await listen(server);
  return server;
}

const listen = (server: ServerZmq) =>
  new Promise<void>((resolve, reject) => {
    server.listen(error => (error === undefined ? resolve() : reject(error as Error)));
  });

const connect = (server: ServerZmq, { secretKey }: { readonly secretKey: string }) =>
  createClient(server.endpoints[0] ?? '', { curve: { serverKey: keys.server.publicKey, secretKey } }).connect();

afterEach(async () => {
  await Promise.all(servers.splice(0).map(server => server.close()));
});

describe('a server that has asked who its peers are', () => {
  it('lets in nobody once the last identity is gone, even when it is started anew', async () => {
    const server = await listening();
    await expect(connect(server, keys.listed)).resolves.toBeUndefined();
    server.setIdentities({});
    expect(await rejectionOf(connect(server, keys.foreign))).toMatchObject({ code: 'UNAUTHENTICATED' });
    await server.close();
    await listen(server);
    expect(await rejectionOf(connect(server, keys.foreign))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await rejectionOf(connect(server, keys.listed))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('has a name for each listener, though their endpoints look the same, and keeps their networks apart', async () => {
    const server = new ServerZmq({
      bind: [
        { endpoint: 'tcp://127.0.0.1:*', deny: '10.9.9.0/24' },
        { endpoint: 'tcp://127.0.0.1:*', allow: '10.0.0.0/8' },
      ],
    });
    servers.push(server);
    await listen(server);
    const [open = '', closed = ''] = server.endpoints;
    const names = Object.keys(server.limits.listeners);
    expect(names).toEqual(['tcp://127.0.0.1:*', 'tcp://127.0.0.1:* (2)']);
    server.setLimits({ listeners: { 'tcp://127.0.0.1:*': { deny: '10.8.8.0/24' } } });
    await expect(createClient(open).connect()).resolves.toBeUndefined();
    expect(await rejectionOf(createClient(closed, { connectTimeout: 300 }).connect())).toMatchObject({
      code: 'DISCONNECTED',
    });
    server.setLimits({ listeners: { 'tcp://127.0.0.1:* (2)': { allow: [] } } });
    await expect(createClient(closed).connect()).resolves.toBeUndefined();
  });
});
