import { describe, expect, it } from 'vitest';
import type { ZmqPeerCertificate } from '../../../lib/options/authenticator.js';
import { identityOptions, type ZmqIdentityOptions } from '../../../lib/options/identity-options.js';
import { IdentityTable } from '../../../lib/security/identity-table.js';

const KEY = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';
const OTHER_KEY = 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID';
const HASH = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

const tableOf = (identities: Record<string, ZmqIdentityOptions>) =>
  new IdentityTable(identityOptions(identities, 'identities'));

const certificate = (names: { commonName?: string; subjectAltNames?: string[] } = {}): ZmqPeerCertificate => ({
  subject: '',
  issuer: '',
  commonName: undefined,
  subjectAltNames: [],
  fingerprint: 'AB'.repeat(32),
  serialNumber: '07',
  validTo: new Date(0),
  ...names,
});

const found = (table: IdentityTable, shown: ZmqPeerCertificate) => {
  const entry = table.byCertificate(shown);
  return entry === undefined || entry === 'ambiguous' ? entry : entry.identity;
};

describe('IdentityTable', () => {
  it('knows whether it is empty', () => {
    expect([tableOf({}).isEmpty, tableOf({ press: {} }).isEmpty]).toEqual([true, false]);
  });

  it('finds an identity by its name', () => {
    const table = tableOf({ press: { roles: ['device'], passwordHash: HASH } });
    expect(table.byName('press')?.identity).toEqual({ name: 'press', roles: ['device'] });
    expect(table.byName('press')?.source.passwords).toHaveLength(1);
    expect([table.byName('oven'), table.byName('constructor')]).toEqual([undefined, undefined]);
  });

  it('finds an identity by any of its curve keys', () => {
    const table = tableOf({ press: { curveKey: [KEY, OTHER_KEY] }, oven: {} });
    expect([table.byCurveKey(KEY), table.byCurveKey(OTHER_KEY)].map(entry => entry?.identity.name)).toEqual([
      'press',
      'press',
    ]);
    expect(table.byCurveKey('0'.repeat(40))).toBeUndefined();
  });

  it('gives the same frozen object each time', () => {
    const table = tableOf({ press: { roles: 'device', curveKey: KEY } });
    expect(table.byCurveKey(KEY)?.identity).toBe(table.byName('press')?.identity);
    expect(Object.isFrozen(table.byName('press')?.identity)).toBe(true);
    expect(Object.isFrozen(table.byName('press')?.identity.roles)).toBe(true);
  });
});

describe('mayComeFrom', () => {
  it.each([
    [undefined, '10.0.0.1', true],
    [undefined, undefined, true],
    ['10.0.0.0/8', '10.0.0.1', true],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['10.0.0.0/8', '192.0.2.1', false],
    ['10.0.0.0/8', 'nowhere', false],
    ['10.0.0.0/8', undefined, false],
  ])('with the addresses %s and somebody at %s is %s', (addresses, remote, allowed) => {
    const table = tableOf({ press: addresses === undefined ? {} : { addresses } });
    expect(table.byName('press')?.mayComeFrom(remote)).toBe(allowed);
  });
});

describe('byCertificate, where identities list certificates', () => {
  const table = tableOf({
    press: { certificate: ['CN=press-7', `SHA256:${'CD'.repeat(32)}`], roles: 'device' },
    oven: { certificate: ['DNS:oven.example', 'IP:10.0.0.7'] },
    boss: { roles: 'admin' },
  });

  it.each([
    [{ commonName: 'press-7' }, 'press'],
    [{ commonName: 'someone', subjectAltNames: ['DNS:other.example', 'DNS:OVEN.example'] }, 'oven'],
    [{ subjectAltNames: ['DNS:oven.example', 'IP:::ffff:10.0.0.7'] }, 'oven'],
  ])('finds the identity of %o', (names, name) => {
    expect(found(table, certificate(names))).toMatchObject({ name });
  });

  it('finds the identity of a fingerprint', () => {
    expect(found(table, { ...certificate(), fingerprint: 'CD'.repeat(32) })).toMatchObject({ name: 'press' });
  });

  it('lets nobody in whose certificate fits two identities', () => {
    const both = certificate({ commonName: 'press-7', subjectAltNames: ['DNS:oven.example'] });
    expect(table.byCertificate(both)).toBe('ambiguous');
  });

  it.each(['boss', 'press', 'oven', 'nobody'])('does not let a certificate name itself %s', commonName => {
    expect(table.byCertificate(certificate({ commonName }))).toBeUndefined();
  });

  it('finds nobody for a certificate without names', () => {
    expect(table.byCertificate(certificate())).toBeUndefined();
  });
});

describe('byCertificate, where no identity lists certificates', () => {
  const table = tableOf({
    press: { roles: 'device' },
    'press.example': { roles: 'device', addresses: '10.0.0.0/8' },
    keyed: { roles: 'admin', curveKey: KEY },
    known: { roles: 'admin', passwordHash: HASH },
    signing: { roles: 'admin', signingKey: 'A'.repeat(43) },
  });

  it('takes the common name, with the roles of the identity of that name', () => {
    const shown = certificate({ commonName: 'press', subjectAltNames: ['DNS:keyed'] });
    expect(found(table, shown)).toBe(table.byName('press')?.identity);
  });

  it('takes the only subject alternative name where there is no common name', () => {
    const entry = table.byCertificate(certificate({ subjectAltNames: ['DNS:press.example'] }));
    expect(entry).toBe(table.byName('press.example'));
  });

  it.each([
    [{ commonName: 'stranger' }, 'stranger'],
    [{ subjectAltNames: ['URI:spiffe://example/a'] }, 'spiffe://example/a'],
    [{ subjectAltNames: ['IP:10.0.0.7'] }, '10.0.0.7'],
  ])('takes %o for an identity without roles', (names, name) => {
    expect(found(table, certificate(names))).toEqual({ name, roles: [] });
    expect(found(tableOf({}), certificate(names))).toEqual({ name, roles: [] });
  });

  it.each(['keyed', 'known', 'signing'])(
    'does not let a certificate be %s, who proves himself otherwise',
    commonName => {
      expect(table.byCertificate(certificate({ commonName }))).toBeUndefined();
    },
  );

  it.each([
    {},
    { subjectAltNames: ['DNS:a.example', 'DNS:b.example'] },
    { subjectAltNames: ['DirName:CN=press'] },
    { commonName: '' },
    { commonName: 'a\u0000b' },
    { commonName: 'a\u202eb' },
    { commonName: 'x'.repeat(256) },
    { commonName: '', subjectAltNames: ['DNS:press'] },
  ])('finds no name to use in %o', names => {
    expect(table.byCertificate(certificate(names))).toBeUndefined();
  });
});
