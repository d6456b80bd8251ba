import { curveKeyPair, Dealer } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';
import { KeyProofs } from '../../../lib/security/key-proof.js';
import type { Verdict } from '../../../lib/security/verdict.js';
import { zapHandler } from '../../../lib/socket/zap-handler.js';
import { RouterSocket } from '../../../lib/socket/router-socket.js';
import { onCleanup, until } from '../../support/zmq-app.js';
import {
  ADMITTED,
  allowing,
  curve,
  FOREIGN,
  HONEST,
  openSecureDealer,
  openSecureRouter,
  originOf,
  SecureLog,
  SERVER,
  SOCKET,
  UNKNOWN,
} from './secure-sockets.js';

const REFUSED = 'the handshake failed: the server does not let this client in';
const SILENT = /^the handshake failed: the server ended it without a word/;
const onlyHonest = allowing(new Set([HONEST.publicKey]));

describe('CURVE on libzmq', () => {
  it('lets in a key of the list, and tells the listener that the message came to', async () => {
    const { log, endpoint } = await openSecureRouter({ authenticate: onlyHonest });
    openSecureDealer(endpoint, curve());
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.texts).toEqual(['hello']);
    expect(log.origins).toEqual([originOf('CURVE')]);
    expect(log.violations).toEqual([]);
  });

  it('shows the authenticator the key in Z85, the address and the listener', async () => {
    const seen: unknown[] = [];
    const authenticate = (credentials: unknown) => {
      seen.push(credentials);
      return ADMITTED;
    };
    const { log, endpoint } = await openSecureRouter({ authenticate });
    openSecureDealer(endpoint, curve());
    await until(() => log.messages.length === 1);
    expect(seen).toEqual([
      {
        mechanism: 'CURVE',
        listener: 'fields',
        address: '127.0.0.1',
        certificate: undefined,
        username: undefined,
        password: undefined,
        publicKey: HONEST.publicKey,
      },
    ]);
  });

  it('does not let in a foreign key, tells it so, and reports its address', async () => {
    const { log, endpoint } = await openSecureRouter({ authenticate: onlyHonest });
    const { log: client } = openSecureDealer(endpoint, curve(FOREIGN));
    await until(() => client.losses.length === 1 && log.violations.length === 1);
    expect(client.losses).toEqual([REFUSED]);
    expect(client.codes).toEqual(['UNAUTHENTICATED']);
    expect(log.violations).toEqual([
      {
        id: 'A12',
        kind: 'not-authenticated',
        address: '127.0.0.1',
        peerId: undefined,
        action: 'disconnect',
        count: 1,
        figures: { reason: 'unknown' },
      },
    ]);
    expect(log.messages).toEqual([]);
  });

  it('lets in whoever knows the key of the server if there is no authenticator', async () => {
    const { log, endpoint } = await openSecureRouter();
    openSecureDealer(endpoint, curve(FOREIGN));
    await until(() => log.messages.length === 1);
    expect(log.violations).toEqual([]);
  });

  it.each([
    ['another key for the server', curve(HONEST, FOREIGN.publicKey)],
    ['its own public key for the one of the server', curve(HONEST, HONEST.publicKey)],
  ])('does not let in who has %s, who is told what may be wrong', async (_what, keys) => {
    const { log, endpoint } = await openSecureRouter({ authenticate: () => ADMITTED });
    const { log: client } = openSecureDealer(endpoint, keys);
    await until(() => client.losses.length === 1);
    expect(client.losses[0]).toMatch(SILENT);
    expect(client.losses[0]).toContain('serverKey');
    expect(log.messages).toEqual([]);
  });

  it('does not let in who shows a public key without having its secret key', async () => {
    const { log, endpoint } = await openSecureRouter({ authenticate: allowing(new Set([SERVER.publicKey])) });
    const dealer = new Dealer({
      linger: 0,
      curveServerKey: SERVER.publicKey,
      curvePublicKey: SERVER.publicKey,
      curveSecretKey: FOREIGN.secretKey,
    });
    onCleanup(() => dealer.close());
    const failed = (async () => {
      for await (const { type } of dealer.events) {
        if (type.startsWith('handshake')) {
          return type;
        }
      }
      return undefined;
    })();
    dealer.connect(endpoint);
    expect(await failed).toBe('handshake:error:other');
    expect([log.messages, log.violations]).toEqual([[], []]);
  });

  it('does not let in who has no CURVE, or PLAIN', async () => {
    const { log, endpoint } = await openSecureRouter({ authenticate: () => ADMITTED });
    const { log: open } = openSecureDealer(endpoint, {});
    const { log: plain } = openSecureDealer(endpoint, {
      plain: { username: 'ada', password: new Secret('secret') },
    });
    await until(() => open.losses.length === 1 && plain.losses.length === 1);
    expect(open.losses[0]).toMatch(/^the handshake failed: .+ another security mechanism than NULL/);
    expect(plain.losses[0]).toMatch(/^the handshake failed: /);
    expect(log.messages).toEqual([]);
  });

  it('never talks to a server without CURVE', async () => {
    const { log, endpoint } = await openSecureRouter({ mechanism: 'NULL' });
    const { log: client } = openSecureDealer(endpoint, curve());
    await until(() => client.losses.length === 1);
    expect(client.losses[0]).toMatch(/^the handshake failed: /);
    expect(log.messages).toEqual([]);
  });

  it('obeys a list that changes, from the next connection on', async () => {
    const keys = new Set<string>();
    const { log, endpoint } = await openSecureRouter({ authenticate: allowing(keys) });
    const early = openSecureDealer(endpoint, curve());
    await until(() => early.log.losses.length === 1);
    keys.add(HONEST.publicKey);
    openSecureDealer(endpoint, curve());
    await until(() => log.messages.length === 1);
    keys.delete(HONEST.publicKey);
    const late = openSecureDealer(endpoint, curve());
    await until(() => late.log.losses.length === 1);
    expect([early, late].map(({ log: { losses } }) => losses)).toEqual([[REFUSED], [REFUSED]]);
    expect(log.messages).toHaveLength(1);
  });

  it('keeps the lists of two servers of a process apart', async () => {
    const first = await openSecureRouter({ authenticate: onlyHonest });
    const second = await openSecureRouter({ authenticate: allowing(new Set([FOREIGN.publicKey])) });
    const dealers = [first, second].flatMap(({ endpoint }) =>
      [HONEST, FOREIGN].map(keys => openSecureDealer(endpoint, curve(keys))),
    );
    await until(() => first.log.messages.length + second.log.messages.length === 2);
    await until(() => dealers[1]!.log.losses.length + dealers[2]!.log.losses.length === 2);
    expect(dealers.map(({ log }) => log.losses)).toEqual([[], [REFUSED], [REFUSED], []]);
    expect([first, second].map(({ log }) => log.messages.length)).toEqual([1, 1]);
  });

  it('lets an honest client in while hundreds of foreign ones ask, and reports once a second', async () => {
    const slow = async (verdict: Verdict) => {
      await new Promise(resolve => setTimeout(resolve, 5));
      return verdict;
    };
    const { log, endpoint } = await openSecureRouter({
      authenticate: ({ publicKey }) => slow(publicKey === HONEST.publicKey ? ADMITTED : UNKNOWN),
      handshakeInterval: 10_000,
    });
    const foreign = Array.from({ length: 200 }, () => openSecureDealer(endpoint, curve(curveKeyPair())));
    openSecureDealer(endpoint, curve());
    await until(() => log.messages.length === 1, 10_000);
    await until(() => foreign.every(({ log: { losses } }) => losses.length === 1), 10_000);
    expect(log.messages).toHaveLength(1);
    expect(log.violations.length).toBeLessThan(20);
    expect(log.violations.every(({ address }) => address === '127.0.0.1')).toBe(true);
  }, 30_000);

  it.each([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['gives nothing', () => undefined as unknown as Verdict],
    ['gives a promise of nothing', () => Promise.resolve(undefined as unknown as Verdict)],
    ['has too much to do', (): Verdict => ({ admitted: false, failure: 'too-many' })],
  ])('lets nobody in, for now, while the authenticator %s', async (_what, authenticate) => {
    const { log, endpoint } = await openSecureRouter({ authenticate, handshakeInterval: 200 });
    const { log: client } = openSecureDealer(endpoint, curve());
    await until(() => client.losses.length === 1 && log.violations.length === 1);
    expect(client.losses[0]).toMatch(SILENT);
    expect(log.violations[0]).toMatchObject({ kind: 'not-authenticated', address: '127.0.0.1' });
    expect(log.messages).toEqual([]);
  });

  it('lets nobody in who has no answer in time, nor by an answer that comes later', async () => {
    let answer!: (verdict: Verdict) => void;
    const authenticate = () =>
      new Promise<Verdict>(resolve => {
        answer = resolve;
      });
    const { log, endpoint } = await openSecureRouter({ authenticate, handshakeInterval: 100 });
    const { log: client } = openSecureDealer(endpoint, curve());
    await until(() => client.losses.length === 1 && log.violations.length === 1);
    answer(ADMITTED);
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(client.losses[0]).toMatch(SILENT);
    expect(log.violations[0]).toMatchObject({ kind: 'not-authenticated', address: '127.0.0.1' });
    expect(log.messages).toEqual([]);
  });

  it('lets others in while one decision takes long', async () => {
    const never = new Promise<Verdict>(() => undefined);
    const { log, endpoint } = await openSecureRouter({
      authenticate: ({ publicKey }) => (publicKey === FOREIGN.publicKey ? never : ADMITTED),
    });
    const { log: waiting } = openSecureDealer(endpoint, curve(FOREIGN));
    openSecureDealer(endpoint, curve());
    await until(() => log.messages.length === 1);
    expect(waiting.losses).toEqual([]);
  });

  it('needs somebody to decide only while there are servers, and can be had again', async () => {
    const zap = zapHandler(SOCKET.ioThreads);
    for (let round = 0; round < 3; round++) {
      const servers = [await openSecureRouter(), await openSecureRouter({ authenticate: onlyHonest })];
      expect(zap.isOpen).toBe(true);
      openSecureDealer(servers[1]!.endpoint, curve());
      await until(() => servers[1]!.log.messages.length === 1);
      await servers[0]!.router.close();
      expect(zap.isOpen).toBe(true);
      await servers[1]!.router.close();
      await servers[1]!.router.close();
      expect(zap.isOpen).toBe(false);
    }
    expect(zap.malformed).toBe(0);
  });

  it('leaves nothing behind when it cannot be bound, or is closed while it opens', async () => {
    const { endpoint, router: holder } = await openSecureRouter({ mechanism: 'NULL' });
    await expect(openSecureRouter({ bind: [endpoint] })).rejects.toMatchObject({ code: 'BIND_FAILED' });
    const hasty = new RouterSocket({
      bind: ['tcp://127.0.0.1:*'],
      maxMessageSize: 1024,
      socket: SOCKET,
      security: { origin: originOf('CURVE'), authenticate: undefined, curve: curve().curve },
    });
    const opened = hasty.open(new SecureLog());
    await Promise.all([hasty.close(), expect(opened).rejects.toMatchObject({ code: 'BIND_FAILED' })]);
    await holder.close();
    expect(zapHandler(SOCKET.ioThreads).isOpen).toBe(false);
  });

  it('proves its key for the connection that the server knows by its routing id', async () => {
    const { log, endpoint } = await openSecureRouter({ authenticate: onlyHonest });
    const { dealer } = openSecureDealer(endpoint, curve());
    await until(() => log.messages.length === 1);
    const connectionId = Buffer.from(log.messages[0]!.peerId, 'latin1');
    const proofs = new KeyProofs({ secretKey: new Secret(SERVER.secretKey), now: Date.now });
    const proof = dealer.helloProof();
    expect(proofs.verify(proof, Buffer.from('another connection'))).toEqual({ ok: false, failure: 'wrong' });
    expect(proofs.verify(proof, connectionId)).toEqual({ ok: true, publicKey: HONEST.publicKey });
    expect(proofs.verify(dealer.helloProof(), connectionId)).toEqual({ ok: true, publicKey: HONEST.publicKey });
  });

  it('has nothing to prove without CURVE', async () => {
    const { endpoint } = await openSecureRouter({ mechanism: 'NULL' });
    expect(openSecureDealer(endpoint, {}).dealer.helloProof()).toBeUndefined();
  });

  it('does not connect at all without a usable key, and tells why', async () => {
    const { log, endpoint } = await openSecureRouter({ mechanism: 'NULL' });
    const { log: client } = openSecureDealer(endpoint, {
      curve: { secretKey: { file: '/no/such/file.key' }, serverKey: SERVER.publicKey },
    });
    const { log: weak } = openSecureDealer(endpoint, curve(HONEST, '0'.repeat(40)));
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(client.losses).toEqual(['cannot connect: ZmqException: /no/such/file.key cannot be read (ENOENT).']);
    expect(weak.losses[0]).toContain('low order');
    expect(log.messages).toEqual([]);
  });
});
