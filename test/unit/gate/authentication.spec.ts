import { beforeAll, describe, expect, it } from 'vitest';
import { Authentication } from '../../../lib/gate/authentication.js';
import type { ZmqAuthenticator, ZmqCredentials, ZmqIdentity } from '../../../lib/options/authenticator.js';
import { identityOptions, type ZmqIdentityOptions } from '../../../lib/options/identity-options.js';
import type { ResolvedListener, ZmqListenerOptions } from '../../../lib/options/listener-options.js';
import { resolveServerOptions } from '../../../lib/options/server-options.js';
import { peerCertificateOf } from '../../../lib/security/certificate.js';
import { hashPassword } from '../../../lib/security/password-hashing.js';
import type { Verdict } from '../../../lib/security/verdict.js';
import { legacyCertificate } from '../../support/certificates.js';

const ADDRESS = '10.0.0.1';
const KEY = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';
const OTHER_KEY = 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID';
const TLS = { certFile: 'server.pem', keyFile: 'server.key' };
const CURVE = { secretKey: 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6' };
const NOBODY: Verdict = { admitted: true, identity: undefined };
const CERTIFICATE = peerCertificateOf(legacyCertificate('honest'));
const STRANGE_CERTIFICATE = peerCertificateOf(legacyCertificate('hostile'));

type Identities = Readonly<Record<string, ZmqIdentityOptions>>;

let listed: Identities;
let hash: string;
beforeAll(async () => {
  hash = await hashPassword('sesame');
  listed = {
    ann: { passwordHash: hash, roles: 'analyst' },
    'press-7': { certificate: 'CN=press-7', roles: ['device', 'press'] },
    oven: { curveKey: KEY, roles: 'device' },
  };
});

const identitiesOf = (identities: Identities) => identityOptions(identities, 'identities');
const refused = (failure: string) => ({ admitted: false, failure });
const as = (name: string, ...roles: string[]) => ({ admitted: true, identity: { name, roles } });

/** How peers come to a listener, and what those show that are listed, that are not, and that show nothing. */
const WAYS = {
  NULL: { listener: {}, known: undefined, unknown: undefined },
  TLS: {
    listener: { endpoint: 'tls://*:1', tls: { ...TLS, caFile: 'ca.pem' } },
    known: { certificate: CERTIFICATE },
    unknown: { certificate: STRANGE_CERTIFICATE },
  },
  PLAIN: {
    listener: { mechanism: 'PLAIN' },
    known: { username: 'ann', password: 'sesame' },
    unknown: { username: 'eve', password: 'sesame' },
  },
  CURVE: { listener: { mechanism: 'CURVE' }, known: { publicKey: KEY }, unknown: { publicKey: OTHER_KEY } },
} as const satisfies Record<
  string,
  { listener: Partial<ZmqListenerOptions>; known?: Partial<ZmqCredentials> | undefined; unknown?: object | undefined }
>;
type Way = keyof typeof WAYS;

function listenerOf(way: Way, options: Partial<ZmqListenerOptions> = {}): ResolvedListener {
  const listener = { endpoint: 'tcp://*:1', name: 'plant', ...WAYS[way].listener, ...options };
  const [resolved] = resolveServerOptions({ bind: listener, ...(way === 'CURVE' && { curve: CURVE }) }).bind;
  return resolved as ResolvedListener;
}

function credentialsOf(way: Way, shown: Partial<ZmqCredentials> = {}): ZmqCredentials {
  return {
    mechanism: way === 'TLS' ? 'NULL' : way,
    listener: 'plant',
    address: ADDRESS,
    certificate: undefined,
    username: undefined,
    password: undefined,
    publicKey: undefined,
    ...shown,
  };
}

interface Settings {
  readonly identities?: Identities;
  readonly answer?: (credentials: ZmqCredentials) => unknown;
  readonly timeout?: number;
}

function setUp({ identities = listed, answer, timeout = 1_000 }: Settings = {}) {
  const failures: unknown[] = [];
  const asked: ZmqCredentials[] = [];
  const authenticator: ZmqAuthenticator | undefined = answer && {
    authenticate: credentials => {
      asked.push(credentials);
      return answer(credentials) as ZmqIdentity | undefined;
    },
  };
  const authentication = new Authentication({
    identities: identitiesOf(identities),
    authenticator,
    timeout,
    onFailed: error => failures.push(error),
  });
  const decide = async (
    way: Way,
    shown?: Partial<ZmqCredentials>,
    options?: Partial<ZmqListenerOptions>,
  ): Promise<Verdict> => {
    const authenticate = authentication.decisionFor(listenerOf(way, options));
    return authenticate === undefined ? NOBODY : authenticate(credentialsOf(way, shown));
  };
  return { authentication, decide, failures, asked };
}

describe('where nothing says who anybody is', () => {
  it('everybody is let in unnamed, without a question where nothing can be proven', async () => {
    const { authentication, decide } = setUp({ identities: {} });
    expect(authentication.decisionFor(listenerOf('NULL'))).toBeUndefined();
    expect(await decide('NULL')).toEqual(NOBODY);
    expect(await decide('CURVE', { publicKey: OTHER_KEY })).toEqual(NOBODY);
  });

  it('a certificate that TLS has verified names itself', async () => {
    expect(await setUp({ identities: {} }).decide('TLS', { certificate: CERTIFICATE })).toEqual(as('press-7'));
  });

  it('nobody has the right password', async () => {
    const verdict = await setUp({ identities: {} }).decide('PLAIN', WAYS.PLAIN.known);
    expect(verdict).toEqual(refused('wrong-password'));
  });

  it('identities that only sign requests change nothing', async () => {
    const { decide } = setUp({ identities: { anna: { signingKey: Buffer.alloc(32).toString('base64') } } });
    expect([await decide('NULL'), await decide('CURVE', { publicKey: KEY })]).toEqual([NOBODY, NOBODY]);
  });
});

describe('identities of the options', () => {
  it.each<[way: Way, who: 'known' | 'unknown' | 'anonymous', expected: object]>([
    ['TLS', 'known', as('press-7', 'device', 'press')],
    ['TLS', 'unknown', refused('unknown')],
    ['TLS', 'anonymous', refused('anonymous')],
    ['PLAIN', 'known', as('ann', 'analyst')],
    ['PLAIN', 'unknown', refused('wrong-password')],
    ['CURVE', 'known', as('oven', 'device')],
    ['CURVE', 'unknown', refused('unknown')],
    ['NULL', 'anonymous', refused('anonymous')],
  ])('decide at %s about one who is %s', async (way, who, expected) => {
    const shown = who === 'anonymous' ? {} : WAYS[way][who];
    expect(await setUp().decide(way, shown)).toEqual(expected);
  });

  it.each<[way: Way, shown: Partial<ZmqCredentials> | undefined]>([
    ['TLS', WAYS.TLS.unknown],
    ['TLS', {}],
    ['CURVE', WAYS.CURVE.unknown],
    ['NULL', {}],
  ])('let in others unnamed at %s where the listener is anonymous', async (way, shown) => {
    expect(await setUp().decide(way, shown, { anonymous: true })).toEqual(NOBODY);
  });

  it.each<[way: Way, shown: object]>([
    ['TLS', WAYS.TLS.known],
    ['CURVE', WAYS.CURVE.known],
  ])('are known at %s even where the listener is anonymous', async (way, shown) => {
    expect(await setUp().decide(way, shown, { anonymous: true })).toMatchObject({
      identity: { roles: expect.arrayContaining(['device']) },
    });
  });

  it('refuse a certificate that is of two', async () => {
    const [name] = CERTIFICATE?.subjectAltNames ?? [];
    const identities = { one: { certificate: 'CN=press-7' }, two: { certificate: name as string } };
    const verdict = await setUp({ identities }).decide('TLS', WAYS.TLS.known, { anonymous: true });
    expect(verdict).toEqual(refused('unknown'));
  });

  it('refuse right credentials from an address that the identity may not use, or from one that is not known', async () => {
    const identities = Object.fromEntries(
      Object.entries(listed).map(([name, identity]) => [name, { ...identity, addresses: '192.0.2.0/24' }]),
    );
    const { decide } = setUp({ identities, answer: () => ({ name: 'somebody' }) });
    for (const way of ['TLS', 'PLAIN', 'CURVE'] as const) {
      expect(await decide(way, WAYS[way].known)).toEqual(refused('wrong-address'));
      expect(await decide(way, { ...WAYS[way].known, address: undefined })).toEqual(refused('wrong-address'));
      expect(await decide(way, { ...WAYS[way].known, address: '192.0.2.7' })).toMatchObject({ admitted: true });
    }
  });
});

describe('an authenticator', () => {
  const ways: [Way, object | undefined][] = [
    ['NULL', undefined],
    ['TLS', WAYS.TLS.unknown],
    ['PLAIN', WAYS.PLAIN.unknown],
    ['CURVE', WAYS.CURVE.unknown],
  ];

  it.each(ways)('is asked at %s about those who are not listed, with all that they show', async (way, shown) => {
    const { decide, asked } = setUp({ answer: () => ({ name: 'eve', roles: ['guest'] }) });
    expect(await decide(way, shown)).toEqual(as('eve', 'guest'));
    expect(asked).toEqual([credentialsOf(way, shown)]);
  });

  it.each(ways)('may answer later, and give no roles: at %s', async (way, shown) => {
    const { decide } = setUp({ answer: async () => ({ name: 'eve' }) });
    expect(await decide(way, shown)).toEqual(as('eve'));
  });

  it.each(['TLS', 'PLAIN', 'CURVE'] as const)('is not asked at %s about those who are listed', async way => {
    const { decide, asked } = setUp({ answer: () => ({ name: 'eve' }) });
    expect(await decide(way, WAYS[way].known)).toMatchObject({ admitted: true });
    expect(asked).toEqual([]);
  });

  it('is not asked about a password that is wrong for who is listed', async () => {
    const { decide, asked } = setUp({ answer: () => ({ name: 'ann' }) });
    expect(await decide('PLAIN', { username: 'ann', password: 'guess' })).toEqual(refused('wrong-password'));
    expect(asked).toEqual([]);
  });

  it.each<[way: Way, shown: object | undefined, failure: string]>([
    ['NULL', undefined, 'anonymous'],
    ['TLS', WAYS.TLS.unknown, 'unknown'],
    ['PLAIN', WAYS.PLAIN.unknown, 'unknown'],
    ['CURVE', WAYS.CURVE.unknown, 'unknown'],
  ])('that gives undefined or null lets nobody in at %s', async (way, shown, failure) => {
    for (const nothing of [undefined, null]) {
      const { decide, failures } = setUp({ answer: () => nothing });
      expect([await decide(way, shown), failures]).toEqual([refused(failure), []]);
    }
  });

  it.each(ways.filter(([way]) => way !== 'PLAIN'))(
    'that gives undefined leaves those unnamed at %s whom an anonymous listener lets in',
    async (way, shown) => {
      const { decide } = setUp({ answer: () => undefined });
      expect(await decide(way, shown, { anonymous: true })).toEqual(NOBODY);
    },
  );

  it.each(ways)('that throws or rejects lets nobody in at %s, anonymous or not, and is told of', async (way, shown) => {
    const error = new Error('the directory is away');
    const throwing = setUp({
      answer: () => {
        throw error;
      },
    });
    const rejecting = setUp({ answer: () => Promise.reject(error) });
    for (const { decide, failures } of [throwing, rejecting]) {
      const options = way === 'PLAIN' ? {} : { anonymous: true };
      expect(await decide(way, shown, options)).toEqual(refused('failed'));
      expect(failures).toEqual([error]);
    }
  });

  it.each(ways)('that takes too long lets nobody in at %s, whatever it says then', async (way, shown) => {
    let answer: (identity: unknown) => void = () => undefined;
    const late = new Promise(resolve => {
      answer = resolve;
    });
    const { decide, failures } = setUp({ answer: () => late, timeout: 5 });
    expect(await decide(way, shown)).toEqual(refused('failed'));
    answer({ name: 'eve' });
    expect(failures).toEqual([new Error('The authenticator did not answer within 5 ms.')]);
  });

  it.each<[what: string, answer: unknown]>([
    ['true', true],
    ['a text', 'eve'],
    ['an object without a name', {}],
    ['a name that is empty', { name: '' }],
    ['a name that is no text', { name: 7 }],
    ['a name that is too long', { name: 'x'.repeat(256) }],
    ['a name that is not printable', { name: 'eve\n' }],
    ['roles that are no list', { name: 'eve', roles: 'admin' }],
    ['roles that are null', { name: 'eve', roles: null }],
    ['a role that is none', { name: 'eve', roles: ['a b'] }],
    ['a role that is no text', { name: 'eve', roles: [7] }],
  ])('that gives %s lets nobody in', async (_, answer) => {
    const { decide, failures } = setUp({ answer: () => answer });
    expect(await decide('NULL', {}, { anonymous: true })).toEqual(refused('failed'));
    expect(failures).toEqual([expect.objectContaining({ message: expect.stringContaining('no identity') })]);
  });

  it('cannot change what it has said afterwards', async () => {
    const answer = { name: 'eve', roles: ['guest'] };
    const verdict = await setUp({ answer: () => answer }).decide('NULL');
    answer.name = 'admin';
    answer.roles.push('admin');
    expect(verdict).toEqual(as('eve', 'guest'));
  });
});

describe('a listener for some roles', () => {
  it.each<[admit: string, options: Partial<ZmqListenerOptions>, shown: object, expected: object]>([
    ['device', {}, WAYS.CURVE.known, as('oven', 'device')],
    ['press', {}, WAYS.CURVE.known, refused('wrong-role')],
    ['local', { roles: 'local' }, WAYS.CURVE.known, as('oven', 'device')],
    ['device', { anonymous: true }, WAYS.CURVE.unknown, refused('wrong-role')],
    ['local', { anonymous: true, roles: 'local' }, WAYS.CURVE.unknown, NOBODY],
    ['device', {}, WAYS.CURVE.unknown, refused('unknown')],
  ])(
    'lets in who has one of them, of his own or of the listener: %s, %j, %j',
    async (admit, options, shown, expected) => {
      expect(await setUp().decide('CURVE', shown, { admit, ...options })).toEqual(expected);
    },
  );

  it('looks at the roles that an authenticator gives', async () => {
    const { decide } = setUp({ answer: ({ address }) => ({ name: 'eve', roles: [address === ADDRESS ? 'a' : 'b'] }) });
    const verdicts = [
      await decide('NULL', {}, { admit: ['a', 'c'] }),
      await decide('NULL', { address: '10.0.0.2' }, { admit: ['a', 'c'] }),
    ];
    expect(verdicts).toEqual([as('eve', 'a'), refused('wrong-role')]);
  });

  it('has a decision to make even where everybody else is let in', async () => {
    const { decide } = setUp({ identities: {} });
    expect(await decide('NULL', {}, { admit: 'a' })).toEqual(refused('wrong-role'));
    expect(await decide('NULL', {}, { admit: 'a', roles: 'a' })).toEqual(NOBODY);
  });
});

describe('a listener', () => {
  it.each<[way: Way, options: Partial<ZmqListenerOptions>, settings: Settings, isHopeless: boolean]>([
    ['NULL', {}, {}, true],
    ['NULL', { anonymous: true }, {}, false],
    ['NULL', { anonymous: false }, { identities: {} }, true],
    ['NULL', {}, { identities: {} }, false],
    ['NULL', {}, { answer: () => undefined }, false],
    ['TLS', {}, {}, false],
    ['TLS', { tls: TLS }, {}, true],
    ['PLAIN', {}, {}, false],
    ['CURVE', {}, {}, false],
  ])('at %s, %j, that asks who peers are and cannot find out is told of', (way, options, settings, isHopeless) => {
    expect(setUp(settings).authentication.isHopeless(listenerOf(way, options))).toBe(isHopeless);
  });
});

describe('wrong passwords', () => {
  const wrong = { username: 'eve', password: 'guess' };
  const tries = (count: number) => Array.from({ length: count });

  it('of an address are looked at ten at once, then one a second; those beyond are refused, right or wrong', async () => {
    const { decide, asked } = setUp({ answer: () => undefined });
    const start = performance.now();
    const verdicts: Verdict[] = [];
    for (const _ of tries(40)) {
      verdicts.push(await decide('PLAIN', wrong));
    }
    const seconds = Math.ceil((performance.now() - start) / 1_000);
    expect(verdicts.slice(0, 10)).toEqual(tries(10).map(() => refused('unknown')));
    expect(verdicts.at(-1)).toEqual(refused('too-many'));
    expect(asked.length).toBeLessThanOrEqual(10 + seconds);
    expect(await decide('PLAIN', WAYS.PLAIN.known)).toEqual(refused('too-many'));
  });

  it('do not keep out other addresses, nor those who were right before', async () => {
    const { decide } = setUp({ answer: () => undefined });
    await decide('PLAIN', WAYS.PLAIN.known);
    for (const _ of tries(20)) {
      await decide('PLAIN', wrong);
    }
    expect(await decide('PLAIN', wrong)).toEqual(refused('too-many'));
    expect(await decide('PLAIN', WAYS.PLAIN.known)).toEqual(as('ann', 'analyst'));
    expect(await decide('PLAIN', { ...wrong, address: '10.0.0.2' })).toEqual(refused('unknown'));
  });

  it('are counted where the authenticator fails, too, and right ones are not', async () => {
    const { decide } = setUp({
      answer: ({ password }) => (password === 'right' ? { name: 'eve' } : Promise.reject(new Error('away'))),
    });
    const right = { username: 'eve', password: 'right' };
    for (const _ of tries(20)) {
      expect(await decide('PLAIN', right)).toEqual(as('eve'));
    }
    const verdicts: Verdict[] = [];
    for (const _ of tries(20)) {
      verdicts.push(await decide('PLAIN', wrong));
    }
    expect(verdicts.slice(0, 10)).toEqual(tries(10).map(() => refused('failed')));
    expect(await decide('PLAIN', right)).toEqual(refused('too-many'));
  });
});

describe('other identities', () => {
  /** Where a connection comes from that is let in. */
  async function originOf(decide: ReturnType<typeof setUp>['decide'], way: Way, shown: Partial<ZmqCredentials> = {}) {
    const verdict = await decide(way, shown);
    const { mechanism, certificate } = credentialsOf(way, shown);
    return { mechanism, certificate, identity: verdict.admitted ? verdict.identity : undefined };
  }

  it('decide from then on', async () => {
    const { authentication, decide } = setUp();
    await decide('PLAIN', WAYS.PLAIN.known);
    authentication.replace(identitiesOf({ ann: { passwordHash: hash, roles: 'admin' }, eve: { curveKey: OTHER_KEY } }));
    expect(await decide('PLAIN', WAYS.PLAIN.known)).toEqual(as('ann', 'admin'));
    expect(await decide('CURVE', WAYS.CURVE.known)).toEqual(refused('unknown'));
    expect(await decide('CURVE', WAYS.CURVE.unknown)).toEqual(as('eve'));
  });

  it('close listeners that were open for want of them, and do not open any when the last one goes', async () => {
    const { authentication, decide } = setUp({ identities: {} });
    const before = await decide('CURVE', WAYS.CURVE.unknown);
    authentication.replace(identitiesOf(listed));
    const after = await decide('CURVE', WAYS.CURVE.unknown);
    authentication.replace(identitiesOf({}));
    expect([before, after, await decide('CURVE', WAYS.CURVE.unknown)]).toEqual([
      NOBODY,
      refused('unknown'),
      refused('unknown'),
    ]);
  });

  it('leave those connected who are the same, and none that are changed or gone', async () => {
    const { authentication, decide } = setUp();
    const before = identitiesOf(listed);
    const origins = [
      await originOf(decide, 'PLAIN', WAYS.PLAIN.known),
      await originOf(decide, 'TLS', WAYS.TLS.known),
      await originOf(decide, 'CURVE', WAYS.CURVE.known),
    ];
    const held = () => origins.map(origin => authentication.holds(origin, before));
    authentication.replace(identitiesOf({ ...listed, oven: { curveKey: KEY, roles: 'other' }, new: {} }));
    expect(held()).toEqual([true, true, false]);
    authentication.replace(identitiesOf({ ann: { passwordHash: hash }, oven: listed['oven'] as ZmqIdentityOptions }));
    expect(held()).toEqual([false, false, true]);
  });

  it('leave those connected who are nobody, or whom the authenticator knew', async () => {
    const { authentication, decide } = setUp({ answer: () => ({ name: 'ann', roles: [] }) });
    const before = identitiesOf(listed);
    const asked = await originOf(decide, 'CURVE', WAYS.CURVE.unknown);
    authentication.replace(identitiesOf({}));
    const nobody = { ...asked, identity: undefined };
    expect([nobody, asked].map(origin => authentication.holds(origin, before))).toEqual([true, true]);
  });

  it('end the connection of a certificate that named itself, once its name is listed or all have to be', async () => {
    const { authentication, decide } = setUp({ identities: {} });
    const before = identitiesOf({});
    const press = await originOf(decide, 'TLS', WAYS.TLS.known);
    const heldWith = (identities: Identities) => {
      authentication.replace(identitiesOf(identities));
      return authentication.holds(press, before);
    };
    expect([
      heldWith({ other: {} }),
      heldWith({ 'press-7': { roles: 'device' } }),
      heldWith({ other: { certificate: 'CN=other' } }),
      heldWith({ other: { certificate: 'CN=press-7' } }),
    ]).toEqual([true, false, false, false]);
  });
});

describe('the owner of a key of CURVE', () => {
  it('is known to each connection once, at its listener alone', async () => {
    const { authentication, decide } = setUp();
    const ask = (listener = 'plant', key = KEY) => authentication.ownerOf(listener, key)?.name;
    const before = ask();
    await decide('CURVE', WAYS.CURVE.known);
    await decide('CURVE', WAYS.CURVE.known);
    await decide('CURVE', WAYS.CURVE.unknown);
    expect([before, ask('other'), ask('plant', OTHER_KEY)]).toEqual([undefined, undefined, undefined]);
    expect([ask(), ask(), ask()]).toEqual(['oven', 'oven', undefined]);
  });

  it('is known after other identities have come if he is the same, and not if he is changed or gone', async () => {
    const { authentication, decide } = setUp();
    const changed = [{ ...listed }, { oven: { curveKey: KEY, roles: 'other' } }, {}];
    const found: unknown[] = [];
    for (const identities of changed) {
      authentication.replace(identitiesOf(listed));
      await decide('CURVE', WAYS.CURVE.known);
      authentication.replace(identitiesOf(identities));
      found.push(authentication.ownerOf('plant', KEY)?.name);
    }
    expect(found).toEqual(['oven', undefined, undefined]);
  });

  it('is whoever the authenticator said it was, whatever becomes of the list', async () => {
    const { authentication, decide } = setUp({ answer: () => ({ name: 'eve' }) });
    await decide('CURVE', WAYS.CURVE.unknown);
    authentication.replace(identitiesOf({}));
    expect(authentication.ownerOf('plant', OTHER_KEY)).toEqual({ name: 'eve', roles: [] });
  });

  it('is not known of one who has not the roles that the listener is for', async () => {
    const { authentication, decide } = setUp();
    await decide('CURVE', WAYS.CURVE.known, { admit: 'press' });
    expect(authentication.ownerOf('plant', KEY)).toBeUndefined();
  });
});

describe('the signer of a request', () => {
  it('is an identity with a key for it', () => {
    const anna = { signingKey: Buffer.alloc(32, 1).toString('base64'), roles: 'analyst' };
    const { authentication } = setUp({ identities: { ...listed, anna } });
    const found = ['anna', 'ann', 'nobody', '__proto__'].map(name => authentication.signer(name)?.identity);
    expect(found).toEqual([{ name: 'anna', roles: ['analyst'] }, undefined, undefined, undefined]);
  });
});
