import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';
import type { Authenticate } from '../../../lib/security/verdict.js';
import { until } from '../../support/zmq-app.js';
import { ADMITTED, openSecureDealer, openSecureRouter, originOf, UNKNOWN } from './secure-sockets.js';

const REFUSED = 'the handshake failed: the server does not let this client in';
const checkPassword: Authenticate = ({ username, password }) =>
  username === 'ada' && password === 'pässword' ? ADMITTED : { admitted: false, failure: 'wrong-password' };
const plain = (username: string, password: string) => ({ plain: { username, password: new Secret(password) } });

describe('PLAIN on libzmq', () => {
  it('lets in the right password and no other', async () => {
    const { log, endpoint } = await openSecureRouter({ mechanism: 'PLAIN', authenticate: checkPassword });
    const { log: wrong } = openSecureDealer(endpoint, plain('ada', 'password'));
    openSecureDealer(endpoint, plain('ada', 'pässword'));
    await until(() => log.messages.length === 1 && wrong.losses.length === 1);
    expect(wrong.losses).toEqual([REFUSED]);
    expect(log.origins).toEqual([originOf('PLAIN')]);
    expect(log.violations).toMatchObject([{ kind: 'not-authenticated', address: '127.0.0.1' }]);
  });

  it('lets in nobody without a password', async () => {
    const { log, endpoint } = await openSecureRouter({ mechanism: 'PLAIN', authenticate: () => ADMITTED });
    const { log: client } = openSecureDealer(endpoint, {});
    await until(() => client.losses.length === 1);
    expect(client.losses[0]).toMatch(/^the handshake failed: /);
    expect(log.messages).toEqual([]);
  });

  it('lets in nobody at all when there is nobody to check passwords', async () => {
    const { log, endpoint } = await openSecureRouter({ mechanism: 'PLAIN' });
    const { log: client } = openSecureDealer(endpoint, plain('ada', 'pässword'));
    await until(() => client.losses.length === 1);
    expect(client.losses).toEqual([REFUSED]);
    expect(log.messages).toEqual([]);
  });
});

describe('NULL on libzmq', () => {
  it('asks about addresses where there is an authenticator', async () => {
    const seen: unknown[] = [];
    const authenticate: Authenticate = ({ mechanism, address }) => {
      seen.push({ mechanism, address });
      return UNKNOWN;
    };
    const { log, endpoint } = await openSecureRouter({ mechanism: 'NULL', authenticate });
    const { log: client } = openSecureDealer(endpoint, {});
    await until(() => client.losses.length === 1);
    expect(client.losses).toEqual([REFUSED]);
    expect(seen).toEqual([{ mechanism: 'NULL', address: '127.0.0.1' }]);
    expect(log.messages).toEqual([]);
  });

  it('lets in everybody where there is none', async () => {
    const { log, endpoint } = await openSecureRouter({ mechanism: 'NULL' });
    openSecureDealer(endpoint, {});
    await until(() => log.messages.length === 1);
    expect(log.origins).toEqual([originOf('NULL')]);
  });
});
