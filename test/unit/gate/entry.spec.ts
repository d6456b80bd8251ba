import type { PeerCertificate, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Door, type GateBind } from '../../../lib/gate/door.js';
import { Entry } from '../../../lib/gate/entry.js';
import type { ZmqCredentials } from '../../../lib/options/authenticator.js';
import type { ResolvedServerTls } from '../../../lib/options/tls-options.js';
import type { Authenticate, Verdict } from '../../../lib/security/verdict.js';
import { legacyCertificate } from '../../support/certificates.js';
import { makeCertificates, serverTls, type TestCertificates } from '../../support/dev-certificates.js';
import { onCleanup } from '../../support/zmq-app.js';

const PLAIN = { username: 'ann', password: 'sesame' };
const PRESS = Object.freeze({ name: 'press-7', roles: ['device'] });
const ADMITTED: Verdict = { admitted: true, identity: PRESS };
const REFUSED: Verdict = { admitted: false, failure: 'wrong-password' };

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

const mutualTls = (): ResolvedServerTls => serverTls(certificates, { caFile: certificates.ca });
const optionalTls = () => serverTls(certificates, { caFile: certificates.ca, requireCertificate: false });

function enter(bind: Partial<GateBind> = {}, secured?: TLSSocket): Entry {
  const door = new Door({
    bind: { endpoint: 'tcp://127.0.0.1:1', name: 'plant', roles: ['local'], ...bind },
    onTlsReloaded: () => undefined,
  });
  onCleanup(() => door.close());
  return new Entry(door, '10.0.0.1', secured);
}

/** As much of an encrypted connection as is looked at. */
function securedBy(shown: Partial<PeerCertificate>, problem?: string): TLSSocket {
  const socket = {
    authorized: problem === undefined && Object.keys(shown).length > 0,
    authorizationError: problem ?? null,
    getPeerCertificate: () => shown,
  };
  return socket as unknown as TLSSocket;
}

/** Decides as told, and keeps what it was asked about. */
function decision(verdict: Verdict | Promise<Verdict>): { authenticate: Authenticate; asked: ZmqCredentials[] } {
  const asked: ZmqCredentials[] = [];
  return { authenticate: credentials => (asked.push(credentials), verdict), asked };
}

describe('who comes in where nothing decides', () => {
  it('may do so without a question, as nobody', () => {
    const entry = enter();
    expect([entry.isOpen, entry.judge(undefined), entry.failure]).toEqual([true, true, undefined]);
    expect(entry.origin.identity).toBeUndefined();
  });

  it('may not with a password that nobody looks at', () => {
    const entry = enter({ mechanism: 'PLAIN' });
    expect([entry.isOpen, entry.judge(PLAIN), entry.failure]).toEqual([false, false, 'unknown']);
  });

  it('may with TLS that asks for no certificate', () => {
    const entry = enter({ tls: serverTls(certificates) }, securedBy({}));
    expect([entry.isOpen, entry.judge(undefined), entry.origin.certificate]).toEqual([true, true, undefined]);
  });
});

describe('who comes in where somebody decides', () => {
  it('is told of by all that he shows', () => {
    const { authenticate, asked } = decision(ADMITTED);
    const bind = { mechanism: 'PLAIN', authenticate, tls: mutualTls() } as const;
    const entry = enter(bind, securedBy(legacyCertificate('honest')));
    expect([entry.isOpen, entry.judge(PLAIN)]).toEqual([false, true]);
    expect(asked).toEqual([
      {
        mechanism: 'PLAIN',
        listener: 'plant',
        address: '10.0.0.1',
        certificate: expect.objectContaining({ commonName: 'press-7' }),
        username: 'ann',
        password: 'sesame',
        publicKey: undefined,
      },
    ]);
  });

  it('has the identity that was decided on, from the decision on', () => {
    const { authenticate } = decision(ADMITTED);
    const entry = enter({ authenticate }, undefined);
    const before = entry.origin;
    void entry.judge(undefined);
    const common = { listener: 'plant', mechanism: 'NULL', address: '10.0.0.1', listenerRoles: ['local'] };
    expect(before).toEqual({ ...common, identity: undefined, certificate: undefined });
    expect(entry.origin).toEqual({ ...common, identity: PRESS, certificate: undefined });
    expect(Object.isFrozen(entry.origin)).toBe(true);
  });

  it.each<[what: string, verdict: Verdict, isLetIn: boolean, failure: string | undefined]>([
    ['let in', ADMITTED, true, undefined],
    ['refused', REFUSED, false, 'wrong-password'],
  ])('may be %s at once or later', async (_, verdict, isLetIn, failure) => {
    const now = enter({ authenticate: decision(verdict).authenticate });
    const later = enter({ authenticate: decision(Promise.resolve(verdict)).authenticate });
    const outcomes = [now.judge(undefined), await later.judge(undefined)];
    expect(outcomes).toEqual([isLetIn, isLetIn]);
    expect([now.failure, later.failure]).toEqual([failure, failure]);
  });

  it('has no identity once he is refused', () => {
    const entry = enter({ authenticate: decision(REFUSED).authenticate });
    void entry.judge(undefined);
    expect(entry.origin.identity).toBeUndefined();
  });
});

describe('who comes in by a certificate', () => {
  it.each<[what: string, shown: Partial<PeerCertificate>, problem: string | undefined, failure: string]>([
    ['none', {}, undefined, 'no certificate'],
    ['one that is over', legacyCertificate('honest'), 'CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED'],
    ['one of another authority', legacyCertificate('honest'), 'SELF_SIGNED_CERT_IN_CHAIN', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ])('is refused with %s where one is asked for, and nobody is asked about him', (_, shown, problem, failure) => {
    const { authenticate, asked } = decision(ADMITTED);
    for (const decides of [{ authenticate }, {}]) {
      const entry = enter({ tls: mutualTls(), ...decides }, securedBy(shown, problem));
      expect([entry.isOpen, entry.judge(undefined), entry.failure]).toEqual([false, false, failure]);
      expect(entry.origin.certificate).toBeUndefined();
    }
    expect(asked).toEqual([]);
  });

  it('may have none where none is needed, but no wrong one', () => {
    const without = enter({ tls: optionalTls() }, securedBy({}));
    const wrong = enter({ tls: optionalTls() }, securedBy(legacyCertificate('honest'), 'CERT_REVOKED'));
    expect([without.isOpen, without.judge(undefined)]).toEqual([true, true]);
    expect([wrong.isOpen, wrong.judge(undefined), wrong.failure]).toEqual([false, false, 'CERT_REVOKED']);
  });

  it('is known by it to handlers, even where nobody decides', () => {
    const entry = enter({ tls: mutualTls() }, securedBy(legacyCertificate('honest')));
    expect([entry.isOpen, entry.judge(undefined)]).toEqual([true, true]);
    expect(entry.origin.certificate).toMatchObject({ commonName: 'press-7' });
  });
});
