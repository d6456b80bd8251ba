import 'reflect-metadata';
import { Controller, Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern } from '@nestjs/microservices';
import {
  AllowPeers,
  ClientZmq,
  ServerZmq,
  ZmqContext,
  ZmqEvents,
  ZmqModule,
  type ZmqAuthenticator,
  type ZmqClientOptions,
  type ZmqServerOptions,
} from 'nestjs-zeromq';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { runCli } from '../../lib/cli/cli.js';
import { resolveClientOptions } from '../../lib/options/client-options.js';
import { resolveServerOptions } from '../../lib/options/server-options.js';
import { decodeKey } from '../../lib/security/curve-keys.js';
import { hashPassword } from '../../lib/security/password-hashing.js';
import { FakeIo } from '../support/attacks/fake-io.js';
import { makeCertificates, type TestCertificates } from '../support/dev-certificates.js';
import { refuseUnhandledRejections } from '../support/echo-app.js';
import { ask } from '../support/rejection.js';
import { SecretHunt } from '../support/secret-hunt.js';
import { onCleanup, until } from '../support/zmq-app.js';

refuseUnhandledRejections();

const hunt = new SecretHunt();

const random = (bytes = 12) => randomBytes(bytes).toString('hex');
const keys = { server: curveKeyPair(), ada: curveKeyPair(), eve: curveKeyPair() };
const passwords = { ada: `ada-${random()}`, eve: `eve-${random()}` };
const signing = { ada: randomBytes(32).toString('base64'), eve: randomBytes(32).toString('base64') };
const passphrase = `phrase-${random()}`;
let hash: string;
let certificates: TestCertificates;
/** The key of the server, as it is and behind the passphrase. */
let openKey: string;
let lockedKey: string;

beforeAll(async () => {
  certificates = await makeCertificates('ada', 'eve');
  openKey = readFileSync(certificates.server.key, 'utf8');
  lockedKey = createPrivateKey(openKey)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
    .toString();
  hash = await hashPassword(passwords.ada);
  const [, , , salt = '', digest = ''] = hash.split('$');
  hunt.add('the hash', digest, Buffer.from(digest, 'base64'));
  hunt.add('the salt', salt, Buffer.from(salt, 'base64'));
  hunt.add('the passphrase', passphrase);
  for (const [name, pem] of [
    ['the key of the server', openKey],
    ['the locked key', lockedKey],
    ['the key of ada', readFileSync(certificates.clients['ada']?.key ?? '', 'utf8')],
  ] as const) {
    hunt.add(name, pem);
  }
  const { d = '' } = createPrivateKey(openKey).export({ format: 'jwk' });
  hunt.add('the number in the key of the server', d, Buffer.from(d, 'base64url'));
  for (const [name, { secretKey }] of Object.entries(keys)) {
    hunt.add(`the CURVE key of ${name}`, secretKey, decodeKey(secretKey));
  }
  for (const [name, password] of Object.entries(passwords)) {
    hunt.add(`the password of ${name}`, password);
  }
  for (const [name, key] of Object.entries(signing)) {
    hunt.add(`the signing key of ${name}`, key, Buffer.from(key, 'base64'));
  }
});

afterAll(() => certificates.remove());
afterEach(() => vi.restoreAllMocks());

/** Everything that is printed, by whatever way. */
function listen(): void {
  const hear =
    (where: string) =>
    (text: unknown): true => {
      hunt.look(where, text instanceof Uint8Array ? Buffer.from(text).toString('latin1') : text);
      return true;
    };
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, method).mockImplementation(
      (...args: unknown[]) => void hear(`console.${method}`)(format(...args)),
    );
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(hear('stdout'));
  vi.spyOn(process.stderr, 'write').mockImplementation(hear('stderr'));
}

/** Takes lines of all levels. */
class HeardLogger implements LoggerService {
  readonly lines: string[] = [];
  readonly log = (...parts: unknown[]) => this.hear('log', parts);
  readonly error = (...parts: unknown[]) => this.hear('error', parts);
  readonly warn = (...parts: unknown[]) => this.hear('warn', parts);
  readonly debug = (...parts: unknown[]) => this.hear('debug', parts);
  readonly verbose = (...parts: unknown[]) => this.hear('verbose', parts);
  readonly fatal = (...parts: unknown[]) => this.hear('fatal', parts);

  private hear(level: string, parts: readonly unknown[]): void {
    this.lines.push(format(...parts));
    for (const part of parts) {
      hunt.look(`a line of level ${level}`, part);
    }
  }
}

const contexts: ZmqContext[] = [];

@Controller()
class DeskController {
  @MessagePattern('who')
  who(@Ctx() context: ZmqContext): string {
    contexts.push(context);
    return context.getPeer().identity ?? 'nobody';
  }

  @MessagePattern('closed')
  @AllowPeers({ roles: 'nobody' })
  closed(): void {}

  @MessagePattern('breaks')
  breaks(@Ctx() context: ZmqContext): never {
    throw Object.assign(new Error('A handler failed'), { context });
  }

  @MessagePattern('slow')
  async slow(): Promise<never> {
    return new Promise(() => undefined);
  }
}

const authenticator: ZmqAuthenticator = {
  authenticate: ({ publicKey, certificate, username }) => {
    if (username === 'breaks') {
      throw new Error('The directory is down');
    }
    return publicKey === undefined && certificate === undefined ? undefined : { name: 'guest' };
  },
};

function serverOptions(): ZmqServerOptions {
  const own = { certFile: certificates.server.cert, key: lockedKey, passphrase };
  const tls = { ...own, caFile: certificates.ca };
  return {
    bind: [
      { endpoint: 'tls://127.0.0.1:*', name: 'certificates', tls: { ...tls, sni: { localhost: own } } },
      {
        endpoint: 'tls://127.0.0.1:*',
        name: 'passwords',
        mechanism: 'PLAIN',
        tls: { ...tls, requireCertificate: false },
      },
      { endpoint: 'tcp://127.0.0.1:*', name: 'keys', mechanism: 'CURVE' },
      { endpoint: `ipc://${join(certificates.dir, 'desk')}`, name: 'local', mechanism: 'PLAIN' },
    ],
    curve: { secretKey: keys.server.secretKey },
    identities: {
      ada: {
        certificate: 'CN=ada',
        passwordHash: hash,
        curveKey: keys.ada.publicKey,
        signingKey: signing.ada,
        roles: 'operator',
      },
    },
    authenticator,
    drainTimeout: 100,
    socket: { handshakeInterval: 10_000 },
  };
}

type Name = 'ada' | 'eve';

/** All the ways to come in, and some of them wrong. */
function clientOptions(endpoints: readonly string[]): Record<string, ZmqClientOptions> {
  // They would try for as long as they may.
  const hasty = { connectTimeout: 1_000 };
  const [certified = '', plain = '', curve = '', local = ''] = endpoints;
  const { ca, clients } = certificates;
  const signed = (name: Name) => ({ signing: { name: 'ada', key: signing[name] } });
  const shown = (name: Name) => ({
    caFile: ca,
    cert: readFileSync(clients[name]?.cert ?? ''),
    key: readFileSync(clients[name]?.key ?? ''),
  });
  const password = (name: Name) => ({ plain: { username: 'ada', password: passwords[name] } });
  const key = (name: Name, serverKey = keys.server.publicKey) => ({
    curve: { secretKey: keys[name].secretKey, serverKey },
  });
  return {
    certificate: { connect: certified, tls: shown('ada'), ...signed('ada') },
    'wrong signature': { connect: certified, tls: shown('ada'), ...signed('eve') },
    'key of somebody else': {
      ...hasty,
      connect: certified,
      tls: { ...shown('ada'), key: readFileSync(clients['eve']?.key ?? '') },
    },
    password: { connect: plain, tls: { caFile: ca }, ...password('ada') },
    'wrong password': { connect: plain, tls: { caFile: ca }, ...password('eve') },
    'broken authenticator': {
      ...hasty,
      connect: plain,
      tls: { caFile: ca },
      plain: { username: 'breaks', password: passwords.eve },
    },
    curve: { connect: curve, ...key('ada') },
    'unlisted curve': { connect: curve, ...key('eve') },
    'wrong server key': { ...hasty, connect: curve, ...key('ada', keys.eve.publicKey) },
    local: { connect: local, ...password('ada') },
    'wrong local': { connect: local, ...password('eve') },
    'wrong mechanism': { ...hasty, connect: curve, ...password('ada') },
  };
}

describe('secrets', () => {
  it('do not show in what a server and its clients print, tell, throw and are', async () => {
    listen();
    const logger = new HeardLogger();
    const server = new ServerZmq(serverOptions());
    hunt.walk('a server before its start', server);
    @Module({ imports: [ZmqModule.forRoot()], controllers: [DeskController] })
    class DeskModule {}
    const app = await NestFactory.createMicroservice(DeskModule, { strategy: server, logger, abortOnError: false });
    onCleanup(() => app.close());
    for (const event of ['listening', 'close', 'error', 'peerConnected', 'peerDisconnected', 'malformed'] as const) {
      server.on(event, (...told: unknown[]) => hunt.look(`the event ${event}`, told));
    }
    for (const event of ['violation', 'denied', 'tlsReloaded', 'overload', 'undelivered'] as const) {
      server.on(event, (...told: unknown[]) => hunt.look(`the event ${event}`, told));
    }
    const events = app.get(ZmqEvents);
    events.violations.subscribe(told => hunt.look('a violation', told));
    events.denials.subscribe(told => hunt.look('a denial', told));
    await app.listen();

    const outcomes: Record<string, string> = {};
    const clients = Object.entries(clientOptions(server.endpoints)).map(([name, options]) => {
      const client = new ClientZmq({
        connectTimeout: 15_000,
        timeout: 15_000,
        socket: { handshakeInterval: 10_000 },
        ...options,
      });
      onCleanup(() => client.close());
      for (const event of ['connect', 'disconnect', 'reconnecting', 'retry', 'eventFailed'] as const) {
        client.on(event, (...told: unknown[]) => hunt.look(`the event ${event} of ${name}`, told));
      }
      return { name, client };
    });
    const looks = () => {
      for (const { name, client } of clients) {
        hunt.look(`client ${name}`, client);
        hunt.walk(`client ${name}`, client);
        hunt.look(`stats of client ${name}`, client.getStats());
      }
      hunt.look('the server', server);
      hunt.walk('the server', server);
      hunt.look('its stats', server.getStats());
      hunt.look('its limits', server.limits);
      hunt.look('the application', app);
      hunt.walk('the application', app);
      hunt.walk('contexts', contexts);
    };
    await Promise.all(
      clients.map(async ({ name, client }) => {
        for (const pattern of ['who', 'closed', 'breaks', 'nothing']) {
          await ask<string>(client, pattern).then(
            answer => (outcomes[name] = answer),
            (error: unknown) => {
              hunt.look(`an error of ${name}`, error);
              outcomes[name] ??= (error as { code: string }).code;
            },
          );
        }
      }),
    );
    looks();
    // Nothing could be found if nobody had come in, or if everybody had.
    expect(outcomes).toMatchObject({
      certificate: 'ada',
      password: 'ada',
      curve: 'ada',
      local: 'nobody',
      'wrong password': 'UNAUTHENTICATED',
      'unlisted curve': 'guest',
      'wrong server key': 'DISCONNECTED',
      'wrong local': 'UNAUTHENTICATED',
      'wrong mechanism': 'DISCONNECTED',
    });

    // Files that are no longer what they were, other identities, other limits.
    writeFileSync(certificates.server.cert, openKey);
    server.reloadTls();
    for (const identities of [{ ada: passwords.ada }, { ada: { passwordHash: passwords.ada } }, { ada: [hash] }]) {
      hunt.look(
        'refused identities',
        attempt(() => server.setIdentities(identities as never)),
      );
    }
    hunt.look(
      'refused limits',
      attempt(() => server.setLimits({ [passwords.ada.slice(0, 3)]: hash } as never)),
    );
    const open = clients.filter(({ name }) => ['certificate', 'curve', 'password'].includes(name));
    const slow = open.map(({ client }) =>
      ask(client, 'slow').catch((error: unknown) => hunt.look('a late error', error)),
    );
    await until(() => server.getStats().running >= open.length);
    server.setIdentities({ ada: { curveKey: keys.eve.publicKey, signingKey: signing.eve } });
    looks();
    await app.close();
    await Promise.all(slow);
    looks();
    hunt.look('the log', logger.lines.join('\n'));
    expect(logger.lines.join('\n')).toContain('The authenticator failed');
    expect(logger.lines.join('\n')).toContain('keeps its certificate');
    expect([...hunt.found]).toEqual([]);
    expect(hunt.seen).toBeGreaterThan(100_000);
  }, 60_000);

  it('do not show in errors of options, wherever they have been put', async () => {
    const server: readonly unknown[] = [
      { tls: openKey },
      { tls: [openKey] },
      { tls: { cert: openKey.slice(30), key: openKey } },
      { tls: { cert: openKey, key: openKey.slice(0, -30) } },
      { tls: { cert: passphrase, key: openKey } },
      { tls: { certFile: openKey, keyFile: openKey } },
      { tls: { cert: openKey, key: openKey, keyFile: '/nowhere' } },
      { tls: { cert: openKey, key: { pem: openKey } } },
      { tls: { cert: openKey, key: lockedKey, passphrase: [passphrase] } },
      { tls: { cert: openKey, key: openKey, sni: lockedKey } },
      { tls: { cert: openKey, key: openKey, sni: { host: openKey } } },
      { tls: { cert: openKey, key: openKey, sni: { host: { cert: openKey, key: passphrase } } } },
      { tls: { cert: openKey, key: openKey, caFile: '/nowhere', ca: openKey } },
      { tls: { cert: openKey, key: openKey, crl: openKey } },
      { curve: keys.server.secretKey },
      { curve: [keys.server.secretKey] },
      { curve: { secretKey: `${keys.server.secretKey}0` } },
      { curve: { secretKey: { key: keys.server.secretKey } } },
      { curve: { secretKeyFile: keys.server.secretKey } },
      { curve: { secretKey: keys.server.secretKey, secretKeyFile: keys.server.secretKey } },
      { identities: passwords.ada },
      { identities: [passwords.ada] },
      { identities: { ada: passwords.ada } },
      { identities: { ada: hash } },
      { identities: { ada: { passwordHash: passwords.ada } } },
      { identities: { ada: { passwordHash: `${hash}!` } } },
      { identities: { ada: { passwordHash: hash.replace('ln=15', 'ln=2') } } },
      { identities: { ada: { passwordHash: { hash } } } },
      { identities: { ada: { signingKey: `${signing.ada}!` } } },
      { identities: { ada: { signingKey: signing.ada.slice(0, 20) } } },
      { identities: { ada: { signingKey: [[signing.ada]] } } },
      { identities: { ada: { curveKey: `${keys.ada.secretKey}0` } } },
      { bind: `tcp://ada:${passwords.ada}@127.0.0.1:5555` },
      { bind: { endpoint: 'tls://127.0.0.1:*', tls: lockedKey } },
      { bind: [{ endpoint: 'tls://127.0.0.1:*', tls: { cert: openKey, key: [lockedKey] } }] },
    ];
    const client: readonly unknown[] = [
      { tls: openKey },
      { tls: { key: openKey } },
      { tls: { cert: passphrase, key: openKey } },
      { curve: keys.ada.secretKey },
      { curve: { secretKey: keys.ada.secretKey } },
      { curve: { secretKey: keys.ada.secretKey, serverKey: `${keys.ada.secretKey}0` } },
      { curve: { secretKeyFile: keys.ada.secretKey, serverKey: keys.server.publicKey } },
      { plain: `ada:${passwords.ada}` },
      { plain: { username: 'ada', password: [passwords.ada] } },
      { plain: { username: 'ada', password: passwords.ada.repeat(20) } },
      { plain: { username: '', password: passwords.ada } },
      { plain: { username: 'ada', password: passwords.ada }, connect: 'tcp://10.0.0.1:5555' },
      {
        plain: { username: 'ada', password: passwords.ada },
        curve: { secretKey: keys.ada.secretKey, serverKey: keys.server.publicKey },
      },
      { signing: signing.ada },
      { signing: { name: 'ada', key: [signing.ada] } },
      { signing: { name: 'ada', key: `${signing.ada}!` } },
      { signing: { name: 'a\nb', key: signing.ada } },
      { connect: [`tls://ada:${passwords.ada}@127.0.0.1:5555`] },
    ];
    const refusals = [
      ...server.map(options => attempt(() => new ServerZmq(options as ZmqServerOptions))),
      ...client.map(options => attempt(() => new ClientZmq(options as ZmqClientOptions))),
    ];
    for (const [index, refusal] of refusals.entries()) {
      hunt.look(`refusal ${index}`, refusal);
    }
    expect(refusals.map(refusal => (refusal as { code?: string }).code)).toEqual(refusals.map(() => 'INVALID_OPTIONS'));
    hunt.look('options of a server', resolveServerOptions(serverOptions()));
    hunt.walk('options of a server', resolveServerOptions(serverOptions()));
    const options = Object.values(clientOptions(['tls://a:1', 'tls://a:2', 'tcp://127.0.0.1:3', 'ipc://b']));
    hunt.look('options of clients', options.map(resolveClientOptions));
    hunt.walk('options of clients', options.map(resolveClientOptions));
    expect([...hunt.found]).toEqual([]);
  });

  it('do not show where a server or client cannot start with them', async () => {
    const exposed = join(certificates.dir, 'exposed.key');
    const wrong = join(certificates.dir, 'wrong.key');
    writeFileSync(exposed, openKey);
    chmodSync(exposed, 0o666);
    writeFileSync(wrong, `${keys.server.secretKey} ${passphrase}`, { mode: 0o600 });
    const { ca } = certificates;
    const certFile = certificates.clients['ada']?.cert ?? '';
    const bind = 'tls://127.0.0.1:*';
    const starts: readonly ZmqServerOptions[] = [
      { bind, tls: { certFile, keyFile: exposed } },
      { bind, tls: { certFile, keyFile: wrong } },
      { bind, tls: { certFile, key: openKey } },
      { bind, tls: { certFile, key: lockedKey, passphrase: passwords.ada } },
      { bind, tls: { certFile, key: lockedKey } },
      { bind, tls: { cert: openKey, key: openKey } },
      { bind: 'tcp://127.0.0.1:*', curve: { secretKeyFile: wrong } },
      { bind: 'tcp://127.0.0.1:*', curve: { secretKeyFile: '/nowhere' } },
      { bind: 'tcp://0.0.0.0:*', mechanism: 'PLAIN', identities: { ada: { passwordHash: hash } } },
      { bind: 'tcp://127.0.0.1:*', identities: { ada: { passwordHash: hash, signingKey: signing.ada } } },
    ];
    for (const [index, options] of starts.entries()) {
      const server = new ServerZmq(options);
      const error = await new Promise(settle => server.listen(settle));
      hunt.look(`start ${index}`, error);
      hunt.walk(`server ${index} that did not start`, server);
      expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    const connects: readonly ZmqClientOptions[] = [
      { connect: 'tls://127.0.0.1:1', tls: { caFile: ca, certFile, keyFile: exposed } },
      { connect: 'tls://127.0.0.1:1', tls: { caFile: ca, certFile, key: lockedKey, passphrase: passwords.ada } },
      { connect: 'tcp://127.0.0.1:1', curve: { secretKeyFile: wrong, serverKey: keys.server.publicKey } },
    ];
    for (const [index, options] of connects.entries()) {
      const client = new ClientZmq({ ...options, connectTimeout: 200 });
      onCleanup(() => client.close());
      const error = await client.connect().catch((reason: unknown) => reason);
      hunt.look(`connect ${index}`, error);
      hunt.walk(`client ${index} that did not connect`, client);
      expect(error).toMatchObject({ code: 'DISCONNECTED' });
    }
    expect([...hunt.found]).toEqual([]);
  });

  it('do not show in what programs print', async () => {
    listen();
    const stop = new AbortController();
    const run = async (where: string, ...args: readonly string[]) => {
      const io = new FakeIo(stop.signal);
      const code = await runCli(args, io);
      hunt.look(`${where}, standard output`, io.stdout);
      hunt.look(`${where}, standard error`, io.stderr);
      return code;
    };
    const written = (name: string, content: unknown) => {
      const path = join(certificates.dir, name);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
      return path;
    };
    const { authenticator: _authenticator, ...options } = serverOptions();
    const right = written('right.json', options);
    const broken = written('broken.json', `{ "curve": { "secretKey": ${keys.server.secretKey} } }`);
    const wrong = written('wrong.json', { ...options, identities: { ada: hash }, curve: keys.server.secretKey });
    const module = written('wrong.mjs', `export default { plain: '${passwords.ada} };`);
    for (const file of [right, broken, wrong, module]) {
      for (const form of [[], ['--json']]) {
        expect(await run(`doctor of ${file}`, 'doctor', '--options', file, ...form)).toBeGreaterThanOrEqual(0);
      }
    }

    const common = {
      listen: ['tls://127.0.0.1:*', { endpoint: 'tcp://127.0.0.1:*', mechanism: 'PLAIN' }],
      forward: `ipc://${join(certificates.dir, 'service')}`,
      tls: {
        certFile: certificates.clients['ada']?.cert,
        key: readFileSync(certificates.clients['ada']?.key ?? '', 'utf8'),
        caFile: certificates.ca,
      },
      identities: { ada: { passwordHash: hash, certificate: 'CN=ada' } },
    };
    for (const config of [
      written('gate-broken.json', `{ "identities": { "ada": ${hash} } }`),
      written('gate-wrong.json', { ...common, identities: { ada: { passwordHash: passwords.ada } } }),
      written('gate-signing.json', { ...common, identities: { ada: { signingKey: signing.ada } } }),
      written('gate-key.json', { ...common, tls: { ...common.tls, key: lockedKey, passphrase: passwords.ada } }),
    ]) {
      expect(await run(`gate of ${config}`, 'gate', '--config', config)).toBeGreaterThan(0);
    }

    const io = new FakeIo(stop.signal);
    const running = runCli(
      ['gate', '--config', written('gate.json', common), '--json', '--status-interval', '0.1'],
      io,
    );
    await until(() => io.stdout.includes('started') || io.stderr !== '', 10_000);
    expect(io.stderr).toBe('');
    const { endpoints } = JSON.parse(io.stdout.split('\n').find(line => line.includes('started')) ?? '') as {
      endpoints: string[];
    };
    const wrongs = [
      { connect: endpoints[1] ?? '', plain: { username: 'ada', password: passwords.eve } },
      { connect: endpoints[1] ?? '', plain: { username: passwords.ada, password: passwords.ada } },
      { connect: endpoints[0] ?? '', tls: { caFile: certificates.ca } },
    ];
    await Promise.all(
      wrongs.map(async each => {
        const client = new ClientZmq({ connectTimeout: 3_000, ...each });
        onCleanup(() => client.close());
        hunt.look('an error of a client of the gate', await client.connect().catch((error: unknown) => error));
      }),
    );
    await until(() => io.stdout.includes('not-authenticated'), 10_000);
    stop.abort();
    expect(await running).toBe(0);
    hunt.look('the gate, standard output', io.stdout);
    hunt.look('the gate, standard error', io.stderr);
    expect([...hunt.found]).toEqual([]);
  }, 60_000);

  it('would be found here if they did', () => {
    const control = new SecretHunt();
    const [text, bytes] = [`s3cret-${random()}`, randomBytes(32)];
    control.add('text', text);
    control.add('bytes', bytes);
    class Holder {
      private readonly hidden = text;
      get told(): string {
        return this.hidden;
      }
    }
    const shown: Readonly<Record<string, unknown>> = {
      'a text': `before ${text} behind`,
      'the start of a text': `'${text.slice(0, 18)}…'`,
      'an error': new Error(`No ${text}`),
      'a cause': new Error('No', { cause: new Error(text) }),
      'a field': new Holder(),
      'a map in a list': [new Map([[{ at: 1 }, text]])],
      base64: Buffer.from(text).toString('base64'),
      'hex of bytes': bytes.toString('hex'),
      'a buffer': { deep: [bytes] },
      'an array of bytes': new Uint8Array(bytes),
      numbers: JSON.stringify([...bytes]),
      'base64url of bytes': bytes.toString('base64url'),
    };
    const missed = (look: (where: string, thing: unknown) => void) =>
      Object.entries(shown).filter(([where, thing]) => {
        const before = control.found.size;
        look(where, thing);
        return control.found.size === before;
      });
    expect(missed((where, thing) => control.look(where, thing)).map(([where]) => where)).toEqual([]);
    // Numbers are no text and no bytes: only who prints them sees what they are.
    expect(missed((where, thing) => control.walk(`${where}, inside`, { deep: new Map([[1, [thing]]]) }))).toEqual([]);
  });
});

/** What an action gives or throws. */
function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}
