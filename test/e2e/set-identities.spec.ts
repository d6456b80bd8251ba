import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { ZmqContext, type ClientZmq, type ZmqIdentityOptions, type ZmqServerOptions } from 'nestjs-zeromq';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { hashPassword } from '../../lib/security/password-hashing.js';
import { encodePlainHello, encodePlainInitiate } from '../../lib/zmtp/commands.js';
import { encodeGreeting } from '../../lib/zmtp/greeting.js';
import { makeCertificates, type TestCertificates } from '../support/dev-certificates.js';
import { refuseUnhandledRejections } from '../support/echo-app.js';
import { RawZmtp } from '../support/raw-zmtp.js';
import { refusalOf } from '../support/refusal.js';
import { ask, rejectionOf } from '../support/rejection.js';
import type { Shown } from '../support/secured-callers.js';
import { connectClient, createClient, startApp, until } from '../support/zmq-app.js';

refuseUnhandledRejections();

type Name = 'ada' | 'bob' | 'carol';
type Identities = Readonly<Record<string, ZmqIdentityOptions>>;

interface Way {
  readonly server: ZmqServerOptions;
  readonly proof: (name: Name) => ZmqIdentityOptions;
  readonly shown: (name: Name) => Shown;
}

const NAMES = ['ada', 'bob', 'carol'] as const;
const keys = { server: curveKeyPair(), ada: curveKeyPair(), bob: curveKeyPair(), carol: curveKeyPair() };
const LOOPBACK = 'tcp://127.0.0.1:*';
const MINUTE = 60_000;

let certificates: TestCertificates;
let hashes: Record<Name, string>;

beforeAll(async () => {
  certificates = await makeCertificates(...NAMES);
  const [ada = '', bob = '', carol = ''] = await Promise.all(NAMES.map(name => hashPassword(`password of ${name}`)));
  hashes = { ada, bob, carol };
});

afterAll(() => certificates.remove());

const WAYS: Readonly<Record<string, () => Way>> = {
  'mutual TLS': () => {
    const { ca, server, clients } = certificates;
    return {
      server: { bind: 'tls://127.0.0.1:*', tls: { certFile: server.cert, keyFile: server.key, caFile: ca } },
      proof: name => ({ certificate: `CN=${name}` }),
      shown: name => ({ tls: { caFile: ca, certFile: clients[name]?.cert ?? '', keyFile: clients[name]?.key ?? '' } }),
    };
  },
  PLAIN: () => ({
    server: { bind: LOOPBACK, mechanism: 'PLAIN' },
    proof: name => ({ passwordHash: hashes[name] }),
    shown: name => ({ plain: { username: name, password: `password of ${name}` } }),
  }),
  CURVE: () => ({
    server: { bind: LOOPBACK, curve: { secretKey: keys.server.secretKey } },
    proof: name => ({ curveKey: keys[name].publicKey }),
    shown: name => ({ curve: { secretKey: keys[name].secretKey, serverKey: keys.server.publicKey } }),
  }),
};

/** Who was served, and whether that began after the identities had been changed. */
let served: {
  readonly who: string;
  readonly n: number;
  readonly roles: readonly string[];
  readonly isAfter: boolean;
}[] = [];
let isChanged = false;

@Controller()
class WorkController {
  @MessagePattern('work')
  async work(@Payload() { who, n }: { who: string; n: number }, @Ctx() context: ZmqContext): Promise<number> {
    served.push({ who, n, roles: context.getPeer().roles ?? [], isAfter: isChanged });
    await pause(2);
    return n;
  }
}

beforeEach(() => {
  served = [];
  isChanged = false;
});

async function start({ server, proof, shown }: Way) {
  const all = {
    ada: { roles: 'operator', ...proof('ada') },
    bob: { roles: 'operator', ...proof('bob') },
    carol: { roles: 'operator', ...proof('carol') },
  };
  const settings = { handshakeInterval: 10_000 };
  const started = await startApp([WorkController], { server: { ...server, identities: all, socket: settings } });
  const optionsOf = (name: Name) => ({ ...shown(name), connectTimeout: 10_000, timeout: MINUTE, socket: settings });
  return { ...started, all, optionsOf };
}

/** Keeps calling, several calls at a time, and notes how each ended. */
class Busy {
  readonly answered: number[] = [];
  readonly failed: string[] = [];
  sent = 0;
  private isOver = false;
  private readonly loops: readonly Promise<void>[];

  constructor(
    private readonly client: ClientZmq,
    private readonly who: Name,
  ) {
    this.loops = Array.from({ length: 4 }, () => this.loop());
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.loops);
  }

  private async loop(): Promise<void> {
    while (!this.isOver) {
      const n = ++this.sent;
      try {
        this.answered.push(await ask<number>(this.client, 'work', { who: this.who, n }));
      } catch (error) {
        this.failed.push((error as { code: string }).code);
        await pause(5);
      }
    }
  }
}

describe.each(Object.keys(WAYS))('other identities with %s, while all are at work,', name => {
  it('serve those who are gone no more, and lose nothing of the others', async () => {
    const { server, endpoint, all, optionsOf } = await start((WAYS[name] as () => Way)());
    const departed: unknown[] = [];
    server.on('peerDisconnected', ({ identity }) => departed.push(identity));
    const clients = await Promise.all(NAMES.map(each => connectClient(endpoint, optionsOf(each))));
    const [ada, bob, carol] = NAMES.map((each, index) => new Busy(clients[index] as ClientZmq, each)) as [
      Busy,
      Busy,
      Busy,
    ];
    await until(() => Math.min(ada.answered.length, bob.answered.length, carol.answered.length) > 20);

    const { bob: _, ...others } = all;
    server.setIdentities({ ...others, carol: { ...all.carol, roles: 'viewer' } });
    isChanged = true;
    const [adaBefore, carolBefore] = [ada.answered.length, carol.answered.length];
    await until(() => ada.answered.length > adaBefore + 50 && carol.answered.length > carolBefore + 50, 10_000);
    await Promise.all([ada, bob, carol].map(busy => busy.stop()));

    for (const { sent, answered, failed } of [ada, bob, carol]) {
      expect(answered.length + failed.length).toBe(sent);
      expect(new Set(answered).size).toBe(answered.length);
    }
    expect(served.filter(({ who, isAfter }) => who === 'bob' && isAfter)).toEqual([]);
    expect(bob.failed.length).toBeGreaterThan(0);
    expect(ada.failed).toEqual([]);
    expect(new Set(carol.failed)).toEqual(new Set(carol.failed.length === 0 ? [] : ['DISCONNECTED']));
    const carolsRoles = served
      .filter(({ who, isAfter }) => who === 'carol' && isAfter)
      .map(({ roles }) => String(roles));
    expect(new Set(carolsRoles)).toEqual(new Set(['viewer']));
    expect(departed).not.toContain('ada');
    expect(await rejectionOf(createClient(endpoint, optionsOf('bob')).connect())).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });
});

describe('other identities', () => {
  it('that are wrong change nothing', async () => {
    const way = (WAYS['CURVE'] as () => Way)();
    const { server, endpoint, all, optionsOf } = await start(way);
    const bob = await connectClient(endpoint, optionsOf('bob'));
    const wrong: readonly unknown[] = [
      undefined,
      null,
      5,
      'ada',
      [],
      new Map(Object.entries(all)),
      { ada: undefined },
      { ada: null },
      { ada: 'ada' },
      { '': {} },
      { 'a\nb': {} },
      { ada: { nothing: 1 } },
      { ada: { roles: 'no way' } },
      { ada: { addresses: '10.0.0.1/8' } },
      { ada: { addresses: [] } },
      { ada: { curveKey: 'short' } },
      { ada: { passwordHash: 'in the clear' } },
      { ada: { signingKey: 'short' } },
      { ada: { certificate: '*' } },
      { ada: { curveKey: keys.ada.publicKey }, eve: { curveKey: keys.ada.publicKey } },
    ];
    const codes = wrong.map(identities => refusalOf(() => server.setIdentities(identities as Identities)).code);
    expect(codes).toEqual(wrong.map(() => 'INVALID_OPTIONS'));
    expect(await ask(bob, 'work', { who: 'bob', n: 1 })).toBe(1);
    const again = await connectClient(endpoint, optionsOf('bob'));
    expect(await ask(again, 'work', { who: 'bob', n: 2 })).toBe(2);
    expect(served.map(({ roles }) => roles)).toEqual([['operator'], ['operator']]);
  });

  it('that a listener could never find out are refused, and change nothing', async () => {
    const { server, endpoint } = await startApp([WorkController]);
    const client = await connectClient(endpoint);
    const refusal = refusalOf(() => server.setIdentities({ ada: { curveKey: keys.ada.publicKey } }));
    expect(refusal).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('let nobody in') as string,
    });
    expect(await ask(client, 'work', { who: 'anybody', n: 1 })).toBe(1);
    const again = await connectClient(endpoint);
    expect(await ask(again, 'work', { who: 'anybody', n: 2 })).toBe(2);
  });

  it('end the connections of those who came in unnamed while nobody was listed, where nothing else is said', async () => {
    const way = (WAYS['mutual TLS'] as () => Way)();
    const { ca, server: files } = certificates;
    const tls = { certFile: files.cert, keyFile: files.key, caFile: ca, requireCertificate: false };
    const { server, endpoint } = await startApp([WorkController], { server: { bind: 'tls://127.0.0.1:*', tls } });
    const nobody = await connectClient(endpoint, { tls: { caFile: ca }, connectTimeout: 10_000 });
    expect(await ask(nobody, 'work', { who: 'nobody', n: 1 })).toBe(1);
    server.setIdentities({ ada: way.proof('ada') });
    isChanged = true;
    expect(await rejectionOf(ask(nobody, 'work', { who: 'nobody', n: 2 }))).toMatchObject({
      code: expect.stringMatching(/^(UNAUTHENTICATED|DISCONNECTED)$/) as string,
    });
    const ada = await connectClient(endpoint, way.shown('ada'));
    expect(await ask(ada, 'work', { who: 'ada', n: 1 })).toBe(1);
    expect(served.filter(({ isAfter }) => isAfter).map(({ who }) => who)).toEqual(['ada']);
  });

  it('hold for whoever has shown a password, and has not finished the handshake', async () => {
    const way = (WAYS['PLAIN'] as () => Way)();
    const { server, endpoint, all } = await start(way);
    const peer = new RawZmtp(endpoint);
    await peer.connected();
    peer.write(encodeGreeting({ mechanism: 'PLAIN', asServer: false }), encodePlainHello('bob', 'password of bob'));
    await until(() => peer.commandNames.includes('WELCOME'), 10_000);
    server.setIdentities({ ada: all.ada });
    peer.write(encodePlainInitiate({ 'Socket-Type': 'DEALER' }));
    await peer.untilEnded();
    expect(peer.commandNames).not.toContain('READY');
  });
});
