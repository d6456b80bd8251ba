import { lookup } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';
import { Controller, Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ServerZmq, type ZmqServerOptions } from 'nestjs-zeromq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { isLoopback } from '../../lib/options/endpoint.js';
import { makeCertificates, type TestCertificates } from '../support/dev-certificates.js';
import { onCleanup } from '../support/zmq-app.js';

const NULL_PROBLEM = 'can be reached from other machines, by anybody, without authentication or encryption.';
/** CURVE is carried by libzmq, which warns of its queues unless they are short. */
const CURVE = { curve: { secretKey: curveKeyPair().secretKey }, socket: { receiveHighWaterMark: 10 } };
const CURVE_PROBLEM = 'can be reached from other machines and lets in everybody who knows its public key.';
const identities = { press: { curveKey: curveKeyPair().publicKey } };

@Controller()
class NoController {}

@Module({ controllers: [NoController] })
class EmptyModule {}

/** What an application logs as warnings when it listens. */
async function warningsOf(options: ZmqServerOptions): Promise<readonly string[]> {
  const warnings: string[] = [];
  const quiet = () => undefined;
  const logger: LoggerService = { log: quiet, error: quiet, warn: (message: string) => warnings.push(message) };
  const strategy = new ServerZmq(options);
  const app = await NestFactory.createMicroservice(EmptyModule, { strategy, logger, abortOnError: false });
  onCleanup(() => app.close());
  await app.listen();
  return warnings;
}

/** What is said when an application does not listen. */
async function refusalOf(options: ZmqServerOptions): Promise<string> {
  const outcome: unknown = await warningsOf(options).catch((error: unknown) => error);
  expect(outcome).toMatchObject({ code: 'INVALID_OPTIONS' });
  return (outcome as Error).message;
}

describe('a server that other machines can reach and that nothing protects', () => {
  it('does not start, and says what can be done, what is least safe last', async () => {
    const message = await refusalOf({ bind: 'tcp://0.0.0.0:*' });
    expect(message).toContain(`tcp://0.0.0.0:* ${NULL_PROBLEM}`);
    const waysOut = ['tcp://127.0.0.1', 'ipc://', 'tls://', 'CURVE with identities', 'allowInsecure: true'];
    const places = waysOut.map(way => message.indexOf(way));
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(places[0]).toBeGreaterThan(0);
  });

  it.each(['gate', 'zeromq'] as const)('does not start with the engine %s, and nothing is bound', async engine => {
    const server = new ServerZmq({ bind: ['tcp://127.0.0.1:*', 'tcp://*:*'], engine });
    const started = new Promise<unknown>(resolve => {
      server.listen(resolve);
    });
    expect(await started).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(server.endpoints).toEqual([]);
    await server.close();
  });

  it('starts where it is told to, and warns', async () => {
    const [warning, ...others] = await warningsOf({ bind: 'tcp://0.0.0.0:*', allowInsecure: true });
    expect([warning, others]).toEqual([`tcp://0.0.0.0:* ${NULL_PROBLEM}`, []]);
  });

  it.each(['tcp://*:5999', 'tcp://[::]:5999', 'tcp://192.0.2.1:5999', 'tcp://[2001:db8::1]:5999', 'tcp://0:5999'])(
    'is one at %s',
    async bind => {
      expect(await refusalOf({ bind })).toContain(`${bind} ${NULL_PROBLEM}`);
    },
  );

  it('is one with IPv6 on all addresses', async () => {
    const bind = 'tcp://*:5999';
    expect(await refusalOf({ bind, socket: { ipv6: true } })).toContain(`${bind} ${NULL_PROBLEM}`);
  });

  it('is told of each of its endpoints that are so, and of no other', async () => {
    const bind = [
      'tcp://127.0.0.1:5998',
      'tcp://0.0.0.0:5999',
      { endpoint: 'tcp://*:5997', mechanism: 'PLAIN' as const },
    ];
    const message = await refusalOf({ bind });
    expect(message).toContain('tcp://0.0.0.0:5999 can be');
    expect(message).toContain('tcp://*:5997 can be reached from other machines, and passwords would cross the network');
    expect(message).not.toContain('tcp://127.0.0.1:5998');
  });

  it('is one with a password that crosses the network, and with an authenticator that nothing protects', async () => {
    const authenticator = { authenticate: () => undefined };
    expect(await refusalOf({ bind: 'tcp://0.0.0.0:*', mechanism: 'PLAIN', authenticator })).toContain('passwords');
    expect(await refusalOf({ bind: 'tcp://0.0.0.0:*', authenticator })).toContain(NULL_PROBLEM);
  });

  it('is one with CURVE that lets in every key', async () => {
    expect(await refusalOf({ bind: 'tcp://0.0.0.0:*', ...CURVE })).toContain(`tcp://0.0.0.0:* ${CURVE_PROBLEM}`);
    const signers = { anna: { signingKey: Buffer.alloc(32, 1).toString('base64') } };
    expect(await refusalOf({ bind: 'tcp://0.0.0.0:*', ...CURVE, identities: signers })).toContain(CURVE_PROBLEM);
    const [warning] = await warningsOf({ bind: 'tcp://0.0.0.0:*', ...CURVE, allowInsecure: true });
    expect(warning).toBe(`tcp://0.0.0.0:* ${CURVE_PROBLEM}`);
  });
});

describe('a server that other machines can reach and that is protected', () => {
  let certificates: TestCertificates;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterAll(() => certificates.remove());

  it.each<[what: string, options: ZmqServerOptions]>([
    ['identities', { identities }],
    ['an authenticator', { authenticator: { authenticate: () => undefined } }],
    ['the wish to know nobody', { anonymous: true }],
  ])('starts without a warning with CURVE and %s', async (_, options) => {
    expect(await warningsOf({ bind: 'tcp://0.0.0.0:*', ...CURVE, ...options })).toEqual([]);
  });

  it('starts without a warning with TLS', async () => {
    const { cert: certFile, key: keyFile } = certificates.server;
    expect(await warningsOf({ bind: 'tls://0.0.0.0:*', tls: { certFile, keyFile } })).toEqual([]);
  });
});

describe('a server that only its machine can reach', () => {
  it.each(['tcp://127.0.0.1:*', 'tcp://127.9.9.9:*', 'tcp://localhost:*', 'inproc://exposure'])(
    'starts without a warning at %s',
    async bind => {
      expect(await warningsOf({ bind })).toEqual([]);
    },
  );
});

describe('a server on what has a name', () => {
  const names = Object.entries(networkInterfaces()).map(([name, addresses = []]) => {
    const { internal = true } = addresses.find(({ family }) => family === 'IPv4') ?? addresses[0] ?? {};
    return { name, internal };
  });

  it.each(names.filter(({ internal }) => internal))(
    'starts on the interface $name of the machine',
    async ({ name }) => {
      expect(await warningsOf({ bind: `tcp://${name}:*` })).toEqual([]);
    },
  );

  it.each(names.filter(({ internal }) => !internal))('does not start on the interface $name', async ({ name }) => {
    expect(await refusalOf({ bind: `tcp://${name}:*` })).toContain(`tcp://${name}:* ${NULL_PROBLEM}`);
  });

  it('is judged by the address of the host', async () => {
    const { address } = await lookup(hostname(), { family: 4 });
    const bind = `tcp://${hostname()}:*`;
    const problems = await warningsOf({ bind, allowInsecure: true });
    expect(problems).toEqual(isLoopback(address) ? [] : [`${bind} ${NULL_PROBLEM}`]);
  });

  it('cannot be bound where there is no such name, which is another matter', async () => {
    const outcome = warningsOf({ bind: 'tcp://no-such-host.invalid:*' });
    await expect(outcome).rejects.toMatchObject({ code: 'BIND_FAILED' });
  });
});
