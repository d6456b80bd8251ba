import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { AllowPeers, ZmqContext, ZmqModule, type ZmqAuthenticator, type ZmqServerOptions } from 'nestjs-zeromq';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { hashPassword } from '../../lib/security/password-hashing.js';
import { MODES, type Mode } from '../support/callers.js';
import { makeCertificates, type TestCertificates } from '../support/dev-certificates.js';
import { createSecuredCaller, type SecuredCaller, type Shown } from '../support/secured-callers.js';
import { startApp, until } from '../support/zmq-app.js';

/** Whether somebody comes in, and as whom: `in` unnamed, `ada` by that name, `ada: operator` with that role, or a code. */
type Expected = 'in' | 'UNAUTHENTICATED' | 'DISCONNECTED' | (string & {});

/** One way of telling peers apart, and all who try to come in by it. */
interface Setting {
  readonly server: ZmqServerOptions;
  /** Roles that everybody has there. */
  readonly roles?: readonly string[];
  /** Whether the server knows addresses. */
  readonly isByAddress?: boolean;
  readonly people: Readonly<Record<string, Person>>;
}

interface Person extends Shown {
  readonly as: Expected;
  /** In JSON mode, if that differs: `not` is not tried. */
  readonly asJson?: Expected;
}

const RULES = {
  anyone: 'anyone',
  roles: { roles: 'operator' },
  identities: { identities: ['ada', 'zoe'] },
  near: { addresses: '127.0.0.1' },
  far: { addresses: ['10.0.0.0/8', '127.0.0.2'] },
} as const;
const PATTERNS = [...Object.keys(RULES), 'silent', 'nothing'] as const;

// The reference: what the table says, and what rules mean.

interface Admitted {
  readonly name: string | undefined;
  readonly roles: readonly string[];
}

function admittedAs(expected: Expected, { roles = [] }: Setting): Admitted | undefined {
  if (expected === 'not' || expected === expected.toUpperCase()) {
    return undefined;
  }
  const [name, role = ''] = expected.split(': ');
  const own = role === '' ? [] : [role];
  return { name: name === 'in' ? undefined : name, roles: [...roles, ...own] };
}

function mayCall(
  pattern: string,
  { name, roles }: Admitted,
  setting: Setting,
  denies: boolean,
): boolean | 'NO_HANDLER' {
  switch (pattern) {
    case 'anyone':
      return true;
    case 'roles':
      return roles.includes('operator');
    case 'identities':
      return name === 'ada' || name === 'zoe';
    case 'near':
      return setting.isByAddress ?? true;
    case 'far':
      return false;
    case 'silent':
      return !denies;
    default:
      return denies ? false : 'NO_HANDLER';
  }
}

// What is tried.

/** What has run: who called it is what the handler sees, who it was by what the test says. */
let ran: string[] = [];

function record(pattern: string, { who, kind }: { who: string; kind: string }, context: ZmqContext): object {
  const { identity: name, roles = [] } = context.getPeer();
  ran.push(`${who}: ${kind} ${pattern} by ${name} with [${roles.join()}]`);
  return { name: name ?? null, roles };
}

/** A handler for requests and one for events of each pattern. */
const controllers = [...Object.entries(RULES), ['silent', undefined] as const].map(([pattern, rule]) => {
  class RuleController {
    request(data: { who: string; kind: string }, context: ZmqContext): object {
      return record(pattern, data, context);
    }

    event(data: { who: string; kind: string }, context: ZmqContext): void {
      record(pattern, data, context);
    }
  }
  const { prototype } = RuleController;
  for (const [name, decorate] of [
    ['request', MessagePattern(pattern)],
    ['event', EventPattern(`${pattern}.event`)],
  ] as const) {
    decorate(prototype, name, Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor);
    Payload()(prototype, name, 0);
    Ctx()(prototype, name, 1);
  }
  if (rule !== undefined) {
    AllowPeers(...([rule] as Parameters<typeof AllowPeers>))(RuleController);
  }
  Controller()(RuleController);
  return RuleController;
});

const keys = { server: curveKeyPair(), ada: curveKeyPair(), bob: curveKeyPair(), dan: curveKeyPair() };
const others = { zoe: curveKeyPair(), eve: curveKeyPair() };
const PASSWORDS = { ada: 'tea at noon', bob: 'coffee at one', dan: 'water at two', zoe: 'milk at three', eve: 'wine' };

let certificates: TestCertificates;
let strangers: TestCertificates;
let hashes: Record<'ada' | 'bob' | 'dan', string>;

beforeAll(async () => {
  certificates = await makeCertificates('ada', 'bob', 'dan', 'zoe', 'eve', 'carol');
  strangers = await makeCertificates('ada');
  const [ada, bob, dan] = await Promise.all([PASSWORDS.ada, PASSWORDS.bob, PASSWORDS.dan].map(hashPassword));
  hashes = { ada, bob, dan } as typeof hashes;
});

afterAll(() => {
  certificates.remove();
  strangers.remove();
});

beforeEach(() => {
  ran = [];
});

const LOOPBACK = 'tcp://127.0.0.1:*';
const AWAY = '10.0.0.0/8';
/** For those with a mechanism of which the server wants to hear nothing, who would try for long. */
const IMPATIENT = { connectTimeout: 500 };

/** The same three people, by what proves them: dan only from where nobody is. */
const three = (proof: (name: 'ada' | 'bob' | 'dan') => object) => ({
  ada: { roles: 'operator', ...proof('ada') },
  bob: { roles: 'viewer', ...proof('bob') },
  dan: { roles: 'operator', addresses: AWAY, ...proof('dan') },
});
const byPassword = () => three(name => ({ passwordHash: hashes[name] }));
const byCertificate = () => three(name => ({ certificate: `CN=${name}` }));
const byKey = () => three(name => ({ curveKey: keys[name].publicKey }));

const plain = (username: string, password: string) => ({ plain: { username, password } });
const curve = ({ secretKey }: { secretKey: string }, serverKey = keys.server.publicKey) => ({
  curve: { secretKey, serverKey },
});
const trusting = () => ({ caFile: certificates.ca });
const showing = (name: string, { clients } = certificates, keyOf = name) => ({
  tls: { ...trusting(), certFile: clients[name]?.cert ?? '', keyFile: clients[keyOf]?.key ?? '' },
});
const serverTls = () => ({ certFile: certificates.server.cert, keyFile: certificates.server.key });
const mutual = () => ({ ...serverTls(), ...trusting() });

const withPasswords = (): Setting['people'] => ({
  ada: { ...plain('ada', PASSWORDS.ada), as: 'ada: operator' },
  bob: { ...plain('bob', PASSWORDS.bob), as: 'bob: viewer' },
  'dan, from here': { ...plain('dan', PASSWORDS.dan), as: 'UNAUTHENTICATED' },
  'ada with the password of bob': { ...plain('ada', PASSWORDS.bob), as: 'UNAUTHENTICATED' },
  'ada with the hash': { ...plain('ada', hashes.ada), as: 'UNAUTHENTICATED' },
  'somebody unlisted': { ...plain('eve', PASSWORDS.eve), as: 'UNAUTHENTICATED' },
  'a name of objects': { ...plain('__proto__', PASSWORDS.ada), as: 'UNAUTHENTICATED' },
});

const withCertificates = (): Setting['people'] => ({
  ada: { ...showing('ada'), as: 'ada: operator' },
  bob: { ...showing('bob'), as: 'bob: viewer' },
  'dan, from here': { ...showing('dan'), as: 'UNAUTHENTICATED' },
  'ada of another authority': { ...showing('ada', strangers), as: 'UNAUTHENTICATED' },
  'ada with the key of bob': { ...showing('ada', certificates, 'bob'), ...IMPATIENT, as: 'DISCONNECTED' },
  'somebody without a certificate': { tls: trusting(), as: 'UNAUTHENTICATED' },
  'ada with PLAIN': { ...showing('ada'), ...plain('ada', PASSWORDS.ada), ...IMPATIENT, as: 'DISCONNECTED' },
});

/** In JSON mode nobody has a name: libzmq does not tell whose a message is, and there is no hello that could prove it. */
const withKeys = (): Setting['people'] => ({
  ada: { ...curve(keys.ada), as: 'ada: operator', asJson: 'in' },
  bob: { ...curve(keys.bob), as: 'bob: viewer', asJson: 'in' },
  'dan, from here': { ...curve(keys.dan), as: 'UNAUTHENTICATED' },
  'ada with the secret key of bob': {
    ...curve(keys.bob),
    publicKey: keys.ada.publicKey,
    as: 'not',
    asJson: 'DISCONNECTED',
  },
  'somebody unlisted': { ...curve(others.eve), as: 'UNAUTHENTICATED' },
  'ada for another server': { ...curve(keys.ada, others.eve.publicKey), ...IMPATIENT, as: 'DISCONNECTED' },
  'somebody without a key': { ...IMPATIENT, as: 'DISCONNECTED' },
  'ada with PLAIN': { ...plain('ada', PASSWORDS.ada), ...IMPATIENT, as: 'DISCONNECTED' },
});

/** Knows zoe by whatever she shows, and whoever shows nothing as a walker-in. */
const authenticator: ZmqAuthenticator = {
  async authenticate({ mechanism, username, password, certificate, publicKey }) {
    await Promise.resolve();
    const isZoe =
      (username === 'zoe' && password === PASSWORDS.zoe) ||
      certificate?.commonName === 'zoe' ||
      publicKey === others.zoe.publicKey;
    if (isZoe) {
      return { name: 'zoe', roles: ['operator'] };
    }
    return mechanism === 'NULL' && certificate === undefined ? { name: 'walker-in', roles: ['viewer'] } : undefined;
  },
};

const SETTINGS: Readonly<Record<string, () => Setting>> = {
  'NULL on loopback': () => ({
    server: { bind: LOOPBACK },
    people: {
      anybody: { as: 'in' },
      'ada with PLAIN': { ...plain('ada', PASSWORDS.ada), ...IMPATIENT, as: 'DISCONNECTED' },
      'ada with CURVE': { ...curve(keys.ada), ...IMPATIENT, as: 'DISCONNECTED' },
    },
  }),
  'NULL with roles of the listener': () => ({
    server: { bind: { endpoint: LOOPBACK, roles: 'operator' } },
    roles: ['operator'],
    people: { anybody: { as: 'in' } },
  }),
  'PLAIN on loopback': () => ({
    server: { bind: LOOPBACK, mechanism: 'PLAIN', identities: byPassword() },
    people: { ...withPasswords(), 'somebody with NULL': { ...IMPATIENT, as: 'DISCONNECTED' } },
  }),
  'PLAIN within TLS': () => ({
    server: { bind: 'tls://127.0.0.1:*', tls: serverTls(), mechanism: 'PLAIN', identities: byPassword() },
    people: {
      ...Object.fromEntries(
        Object.entries(withPasswords()).map(([who, person]) => [who, { ...person, tls: trusting() }]),
      ),
      'somebody with NULL': { tls: trusting(), ...IMPATIENT, as: 'DISCONNECTED' },
      'ada, who does not trust the server': {
        ...plain('ada', PASSWORDS.ada),
        tls: {},
        ...IMPATIENT,
        as: 'UNAUTHENTICATED',
      },
    },
  }),
  'PLAIN over ipc': () => ({
    server: {
      bind: `ipc://${join(tmpdir(), `zmq-matrix-${process.pid}`)}`,
      mechanism: 'PLAIN',
      identities: byPassword(),
    },
    isByAddress: false,
    people: {
      ...Object.fromEntries(
        Object.entries(withPasswords()).map(([who, person]) => [
          who,
          person.as.includes(':') ? { ...person, as: 'in' } : person,
        ]),
      ),
      'somebody with NULL': { ...IMPATIENT, as: 'DISCONNECTED' },
    },
  }),
  'TLS with the certificate of the server': () => ({
    server: { bind: 'tls://127.0.0.1:*', tls: serverTls() },
    people: {
      anybody: { tls: trusting(), as: 'in' },
      'ada, who is not asked': { ...showing('ada'), as: 'in' },
      'ada with PLAIN': { tls: trusting(), ...plain('ada', PASSWORDS.ada), ...IMPATIENT, as: 'DISCONNECTED' },
    },
  }),
  'mutual TLS with listed certificates': () => ({
    server: { bind: 'tls://127.0.0.1:*', tls: mutual(), identities: byCertificate() },
    people: { ...withCertificates(), 'somebody unlisted': { ...showing('eve'), as: 'UNAUTHENTICATED' } },
  }),
  'mutual TLS with certificates that name themselves': () => ({
    server: {
      bind: 'tls://127.0.0.1:*',
      tls: mutual(),
      identities: { ...three(() => ({})), carol: { passwordHash: hashes.ada, roles: 'operator' } },
    },
    people: {
      ...withCertificates(),
      'somebody unlisted': { ...showing('eve'), as: 'eve' },
      'carol, who has a password': { ...showing('carol'), as: 'UNAUTHENTICATED' },
    },
  }),
  'mutual TLS for operators': () => ({
    server: {
      bind: { endpoint: 'tls://127.0.0.1:*', admit: 'operator' },
      tls: mutual(),
      identities: byCertificate(),
    },
    people: {
      ...withCertificates(),
      bob: { ...showing('bob'), as: 'UNAUTHENTICATED' },
    },
  }),
  CURVE: () => ({
    server: { bind: LOOPBACK, curve: { secretKey: keys.server.secretKey }, identities: byKey() },
    isByAddress: false,
    people: withKeys(),
  }),
  'CURVE with roles of the listener': () => ({
    server: {
      bind: { endpoint: LOOPBACK, roles: 'operator' },
      curve: { secretKey: keys.server.secretKey },
      identities: byKey(),
    },
    isByAddress: false,
    roles: ['operator'],
    people: {
      ...withKeys(),
      // Of both lists each role once.
      ada: { ...curve(keys.ada), as: 'ada', asJson: 'in' },
    },
  }),
  'NULL with an authenticator': () => ({
    server: { bind: LOOPBACK, authenticator, identities: byPassword() },
    people: {
      anybody: { as: 'walker-in: viewer' },
      'ada with PLAIN': { ...plain('ada', PASSWORDS.ada), ...IMPATIENT, as: 'DISCONNECTED' },
    },
  }),
  'PLAIN with an authenticator': () => ({
    server: { bind: LOOPBACK, mechanism: 'PLAIN', authenticator, identities: byPassword() },
    people: {
      ...withPasswords(),
      zoe: { ...plain('zoe', PASSWORDS.zoe), as: 'zoe: operator' },
      'zoe with the password of ada': { ...plain('zoe', PASSWORDS.ada), as: 'UNAUTHENTICATED' },
    },
  }),
  'mutual TLS with an authenticator': () => ({
    server: { bind: 'tls://127.0.0.1:*', tls: mutual(), authenticator, identities: byCertificate() },
    people: {
      ...withCertificates(),
      zoe: { ...showing('zoe'), as: 'zoe: operator' },
      'somebody unlisted': { ...showing('eve'), as: 'UNAUTHENTICATED' },
    },
  }),
  'CURVE with an authenticator': () => ({
    server: { bind: LOOPBACK, curve: { secretKey: keys.server.secretKey }, authenticator, identities: byKey() },
    isByAddress: false,
    people: { ...withKeys(), zoe: { ...curve(others.zoe), as: 'zoe: operator', asJson: 'in' } },
  }),
};

/** What a caller is told of each pattern. */
async function answersTo(caller: SecuredCaller, who: string): Promise<string[]> {
  const answers: string[] = [];
  for (const pattern of PATTERNS) {
    await caller.event(`${pattern}.event`, { who, kind: 'event' });
    const answer = (await caller.request(pattern, { who, kind: 'request' })) as { readonly code?: string };
    answers.push(`${pattern}: ${answer.code ?? JSON.stringify(answer)}`);
  }
  return answers;
}

interface Outcome {
  readonly entrance: string;
  readonly answers: readonly string[];
}

/** What should happen, and which handlers should run. */
function expectedOf(person: Person, who: string, setting: Setting, { denies, mode }: { denies: boolean; mode: Mode }) {
  const expected = (mode === 'JSON' ? person.asJson : undefined) ?? person.as;
  const admitted = admittedAs(expected, setting);
  if (admitted === undefined) {
    return { admitted, outcome: { entrance: expected, answers: [] }, runs: [], isTried: expected !== 'not' };
  }
  const { name, roles } = admitted;
  const verdicts = PATTERNS.map(pattern => ({ pattern, may: mayCall(pattern, admitted, setting, denies) }));
  const answers = verdicts.map(({ pattern, may }) => {
    const code = may === false ? 'FORBIDDEN' : may;
    return `${pattern}: ${code === true ? JSON.stringify({ name: name ?? null, roles }) : code}`;
  });
  const runs = verdicts
    .filter(({ may }) => may === true)
    .flatMap(({ pattern }) =>
      ['event', 'request'].map(kind => `${who}: ${kind} ${pattern} by ${name} with [${roles.join()}]`),
    );
  return { admitted, outcome: { entrance: 'in', answers }, runs, isTried: true };
}

const sorted = (texts: readonly string[]) => texts.toSorted((one, other) => one.localeCompare(other));

describe.each(MODES)('in %s mode', mode => {
  describe.each([false, true])('with denyByDefault %s', denies => {
    it.each(Object.keys(SETTINGS))('%s lets in whom the table lets in, and nobody else', async name => {
      const setting = (SETTINGS[name] as () => Setting)();
      const { server, endpoint } = await startApp(controllers, {
        imports: [ZmqModule.forRoot({ denyByDefault: denies })],
        server: { ...setting.server, socket: { handshakeInterval: 10_000 } },
      });
      const connected: string[] = [];
      server.on('peerConnected', ({ identity = 'in' }) => connected.push(identity));
      const people = Object.entries(setting.people)
        .map(([who, person]) => ({ who, person, ...expectedOf(person, who, setting, { denies, mode }) }))
        // Who is kept out is kept out whatever handlers say.
        .filter(({ isTried, admitted }) => isTried && (admitted !== undefined || !denies));
      const outcomes = await Promise.all(
        people.map(async ({ who, person: { as: _as, asJson: _asJson, ...shown } }): Promise<[string, Outcome]> => {
          const caller = createSecuredCaller(mode, endpoint, shown);
          const entrance = await caller.enter();
          return [who, { entrance, answers: entrance === 'in' ? await answersTo(caller, who) : [] }];
        }),
      );
      const insiders = people.filter(({ admitted }) => admitted !== undefined);
      expect(Object.fromEntries(outcomes)).toEqual(
        Object.fromEntries(people.map(({ who, outcome }) => [who, outcome])),
      );
      // Each request and each event has run, or was refused: whatever was going to run has run.
      await until(() => {
        const { forbidden, unhandled } = server.getStats();
        return ran.length + forbidden + unhandled >= 2 * PATTERNS.length * insiders.length;
      });
      expect(sorted(ran)).toEqual(sorted(people.flatMap(({ runs }) => runs)));
      expect(sorted(connected)).toEqual(sorted(insiders.map(({ admitted }) => admitted?.name ?? 'in')));
    });
  });
});
