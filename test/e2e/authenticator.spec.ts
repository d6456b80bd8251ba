import 'reflect-metadata';
import { Controller, Logger } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import {
  ZmqPeer,
  type ZmqAuthenticator,
  type ZmqClientOptions,
  type ZmqCredentials,
  type ZmqIdentity,
  type ZmqServerOptions,
} from 'nestjs-zeromq';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { makeCertificates, type TestCertificates } from '../support/dev-certificates.js';
import { refuseUnhandledRejections } from '../support/echo-app.js';
import { ask, rejectionOf } from '../support/rejection.js';
import { connectClient, createClient, createGate, onCleanup, startApp, until } from '../support/zmq-app.js';

refuseUnhandledRejections();

const keys = { server: curveKeyPair(), ada: curveKeyPair(), eve: curveKeyPair() };
const LOOPBACK = 'tcp://127.0.0.1:*';
/** The authenticator has most of it. */
const HANDSHAKE_MS = 400;

let certificates: TestCertificates;

beforeAll(async () => {
  certificates = await makeCertificates('ada', 'eve');
});

afterAll(() => certificates.remove());

interface Way {
  readonly server: ZmqServerOptions;
  readonly shown: (name: 'ada' | 'eve') => ZmqClientOptions;
  readonly nameIn: (credentials: ZmqCredentials) => string | undefined;
}

const WAYS: Readonly<Record<string, () => Way>> = {
  PLAIN: () => ({
    server: { bind: LOOPBACK, mechanism: 'PLAIN' },
    shown: username => ({ plain: { username, password: 'any' } }),
    nameIn: ({ username }) => username,
  }),
  'mutual TLS': () => {
    const { ca, server, clients } = certificates;
    return {
      server: { bind: 'tls://127.0.0.1:*', tls: { certFile: server.cert, keyFile: server.key, caFile: ca } },
      shown: name => ({ tls: { caFile: ca, certFile: clients[name]?.cert ?? '', keyFile: clients[name]?.key ?? '' } }),
      nameIn: ({ certificate }) => certificate?.commonName,
    };
  },
  CURVE: () => ({
    server: { bind: LOOPBACK, curve: { secretKey: keys.server.secretKey } },
    shown: name => ({ curve: { secretKey: keys[name].secretKey, serverKey: keys.server.publicKey } }),
    nameIn: ({ publicKey }) => (publicKey === keys.ada.publicKey ? 'ada' : 'eve'),
  }),
};

let ran: unknown[] = [];
let warned: string[] = [];

beforeEach(() => {
  ran = [];
  warned = [];
  const spy = vi.spyOn(Logger.prototype, 'warn').mockImplementation(line => void warned.push(String(line)));
  onCleanup(() => spy.mockRestore());
});

@Controller()
class WhoController {
  @MessagePattern('who')
  who(@ZmqPeer() { identity, roles }: ZmqPeer): unknown {
    ran.push(identity);
    return { identity, roles };
  }
}

/** A server whose authenticator knows ada, and does as the test says for eve. */
async function start(way: Way, forEve: (credentials: ZmqCredentials) => unknown) {
  const authenticator: ZmqAuthenticator = {
    authenticate: credentials =>
      way.nameIn(credentials) === 'ada' ? { name: 'ada' } : (forEve(credentials) as ZmqIdentity | undefined),
  };
  const started = await startApp([WhoController], {
    server: { ...way.server, authenticator, socket: { handshakeInterval: HANDSHAKE_MS } },
  });
  const reasons: unknown[] = [];
  started.server.on('violation', ({ kind, figures }) => reasons.push(`${kind} ${figures.reason}`));
  const clientOf = (name: 'ada' | 'eve', options: ZmqClientOptions = {}) =>
    createClient(started.endpoint, { ...way.shown(name), connectTimeout: 600, ...options });
  return { ...started, reasons, clientOf };
}

const throwing = (): never => {
  throw new Error('No directory today');
};

const MISBEHAVIOURS: Readonly<Record<string, (credentials: ZmqCredentials) => unknown>> = {
  throws: throwing,
  'throws what is no error': () => {
    // oxlint-disable-next-line typescript/only-throw-error -- a library may
    throw null;
  },
  rejects: () => Promise.reject(new Error('No directory today')),
  'never answers': () => new Promise(() => undefined),
  // oxlint-disable-next-line unicorn/no-thenable -- that is the point
  'is a thenable that throws': () => ({ then: throwing }),
  'gives a number': () => 42,
  'gives true': () => true,
  'gives a name alone': () => 'eve',
  'gives a list': () => ['eve'],
  'gives a nameless one': () => ({ roles: ['operator'] }),
  'gives an empty name': () => ({ name: '' }),
  'gives a name of two lines': async () => ({ name: 'eve\nroot' }),
  'gives a name that is too long': () => ({ name: 'e'.repeat(256) }),
  'gives roles that are no list': () => ({ name: 'eve', roles: 'operator' }),
  'gives roles that are none': () => ({ name: 'eve', roles: [{}] }),
  'gives what throws when it is read': () => Object.defineProperty({}, 'name', { get: throwing, enumerable: true }),
};

describe.each(Object.keys(WAYS))('with %s, an authenticator', name => {
  const way = () => (WAYS[name] as () => Way)();

  // What an answer is worth does not depend on what was asked about.
  const tried = name === 'PLAIN' ? Object.keys(MISBEHAVIOURS) : ['throws', 'never answers', 'gives a name alone'];

  it.each(tried)('that %s lets in nobody, and others all the same', async misbehaviour => {
    const { reasons, clientOf } = await start(way(), MISBEHAVIOURS[misbehaviour] as () => unknown);
    const eve = clientOf('eve');
    expect(await rejectionOf(eve.connect())).toMatchObject({ code: 'DISCONNECTED' });
    await until(() => reasons.length > 0);
    expect(new Set(reasons)).toEqual(new Set(['not-authenticated failed']));
    const ada = clientOf('ada', { connectTimeout: 5_000 });
    expect(await ask(ada, 'who')).toEqual({ identity: 'ada', roles: [] });
    expect(ran).toEqual(['ada']);
    expect(warned.filter(line => line.startsWith('The authenticator failed:'))).toHaveLength(1);
  });

  it('that knows nobody of that kind ends the matter at once', async () => {
    const { reasons, clientOf } = await start(way(), () => undefined);
    expect(await rejectionOf(clientOf('eve', { connectTimeout: 10_000 }).connect())).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await until(() => reasons.length > 0);
    expect(reasons).toEqual(['not-authenticated unknown']);
    expect(warned.filter(line => line.startsWith('The authenticator'))).toEqual([]);
  });

  it('that gives its roles away keeps no hold of them', async () => {
    const roles = ['viewer'];
    const { clientOf } = await start(way(), () => ({ name: 'eve', roles }));
    const eve = clientOf('eve', { connectTimeout: 5_000 });
    expect(await ask(eve, 'who')).toEqual({ identity: 'eve', roles: ['viewer'] });
    roles.push('operator');
    expect(await ask(eve, 'who')).toEqual({ identity: 'eve', roles: ['viewer'] });
  });

  it('that answers after the server has closed says it to nobody', async () => {
    const gate = createGate();
    let asked = 0;
    const { app, clientOf } = await start(way(), async () => {
      asked++;
      await gate.opened;
      return { name: 'eve' };
    });
    const eve = clientOf('eve');
    const refused = rejectionOf(eve.connect());
    await until(() => asked > 0);
    await app.close();
    gate.open();
    await setImmediate();
    expect(await refused).toMatchObject({ code: 'DISCONNECTED' });
    expect(ran).toEqual([]);
  });
});

describe('an authenticator', () => {
  it('is not asked about those whom the identities know, nor about wrong passwords of theirs', async () => {
    const asked: unknown[] = [];
    const way = (WAYS['CURVE'] as () => Way)();
    const identities = { ada: { curveKey: keys.ada.publicKey, roles: 'operator' } };
    const authenticator: ZmqAuthenticator = {
      authenticate: ({ publicKey }) => {
        asked.push(publicKey);
        return { name: 'ada', roles: ['admin'] };
      },
    };
    const { endpoint } = await startApp([WhoController], { server: { ...way.server, identities, authenticator } });
    const ada = await connectClient(endpoint, way.shown('ada'));
    expect(await ask(ada, 'who')).toEqual({ identity: 'ada', roles: ['operator'] });
    expect(asked).toEqual([]);
  });
});
