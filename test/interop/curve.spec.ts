import { curveKeyPair } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { resolveFields } from '../../lib/options/fields.js';
import { Secret } from '../../lib/options/secret.js';
import { SOCKET_FIELDS } from '../../lib/options/socket-options.js';
import { RouterSocket } from '../../lib/socket/router-socket.js';
import type { ZmqViolation } from '../../lib/limits/violation.js';
import { python, whyNoPyzmq } from '../support/python.js';
import { onCleanup } from '../support/zmq-app.js';

const missing = whyNoPyzmq();
const inCi = process.env['CI'] === 'true';
if (missing !== undefined && !inCi) {
  console.warn(`CURVE from Python is left out: ${missing}`);
}

const server = curveKeyPair();
const honest = curveKeyPair();
const foreign = curveKeyPair();

async function openServer(): Promise<{ endpoint: string; violations: ZmqViolation[] }> {
  const router = new RouterSocket({
    bind: ['tcp://127.0.0.1:*'],
    maxMessageSize: 1024,
    socket: resolveFields({ linger: 0 }, SOCKET_FIELDS, 'socket'),
    security: {
      origin: {
        listener: 'fields',
        mechanism: 'CURVE',
        address: undefined,
        identity: undefined,
        listenerRoles: [],
        certificate: undefined,
      },
      curve: { secretKey: { value: new Secret(server.secretKey) } },
      authenticate: ({ publicKey }) =>
        publicKey === honest.publicKey
          ? { admitted: true, identity: undefined }
          : { admitted: false, failure: 'unknown' },
    },
  });
  const violations: ZmqViolation[] = [];
  onCleanup(() => router.close());
  await router.open({
    message: (peerId, frames) => void router.send(peerId, frames),
    peerGone: () => undefined,
    violation: violation => violations.push(violation),
    failed: error => {
      throw error;
    },
  });
  return { endpoint: router.endpoints[0] as string, violations };
}

describe.runIf(missing === undefined || inCi)('a Python client with CURVE', () => {
  it('is let in with a key of the list', async () => {
    const { endpoint, violations } = await openServer();
    const { publicKey, secretKey } = honest;
    expect(await python('curve.py', endpoint, server.publicKey, publicKey, secretKey)).toEqual({ received: 'hello' });
    expect(violations).toEqual([]);
  });

  it('is not let in with another key, and learns no more than that', async () => {
    const { endpoint, violations } = await openServer();
    const { publicKey, secretKey } = foreign;
    expect(await python('curve.py', endpoint, server.publicKey, publicKey, secretKey)).toEqual({
      failed: 'auth',
      value: 400,
    });
    expect(violations).toMatchObject([{ kind: 'not-authenticated', address: '127.0.0.1' }]);
  });

  it('is not let in without the key of the server', async () => {
    const { endpoint } = await openServer();
    const { publicKey, secretKey } = honest;
    expect(await python('curve.py', endpoint, foreign.publicKey, publicKey, secretKey)).toMatchObject({
      failed: 'other',
    });
  });
});
