import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { identityOptions, isIdentityName, roleList } from '../../../lib/options/identity-options.js';
import { refusalOf } from '../../support/refusal.js';

const KEY = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';
const OTHER_KEY = 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID';
const SIGNING = Buffer.alloc(33, 0xfb);
const HASH = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

const resolve = (value: unknown) => identityOptions(value, 'identities');
const refusal = (value: unknown) => refusalOf(() => resolve(value)).message;

describe('identityOptions', () => {
  it('has no identities unless some are given', () => {
    expect(resolve(undefined).size).toBe(0);
    expect(resolve({}).size).toBe(0);
  });

  it('makes everything a list that may not be changed', () => {
    const identity = resolve({
      'press-7': {
        roles: 'device',
        addresses: '10.0.0.0/8',
        certificate: 'DNS:Press-7.example',
        curveKey: KEY,
        passwordHash: HASH,
        signingKey: SIGNING.toString('base64'),
      },
    }).get('press-7');
    expect(identity).toMatchObject({
      name: 'press-7',
      roles: ['device'],
      addresses: ['10.0.0.0/8'],
      certificates: [{ kind: 'DNS', value: 'press-7.example' }],
      curveKeys: [KEY],
      passwords: [{ logCost: 15 }],
    });
    expect(identity?.signingKeys[0]?.reveal()).toEqual(SIGNING);
    expect([identity, ...Object.values(identity ?? {})].every(Object.isFrozen)).toBe(true);
  });

  it('takes new credentials beside old ones', () => {
    const identity = resolve({
      press: { curveKey: [KEY, OTHER_KEY], certificate: ['CN=press', 'CN=press-2'], passwordHash: [HASH, HASH] },
    }).get('press');
    expect([identity?.curveKeys.length, identity?.certificates.length, identity?.passwords.length]).toEqual([2, 2, 2]);
  });

  it('has identities of which nothing but the name is known', () => {
    const none = { roles: [], addresses: [], certificates: [], curveKeys: [], passwords: [], signingKeys: [] };
    expect(resolve({ press: {} }).get('press')).toEqual({ name: 'press', ...none });
  });

  it('gives back what it has resolved', () => {
    const once = resolve({ press: { curveKey: KEY } });
    expect(resolve(once)).toBe(once);
  });

  it('keeps names apart from what objects have by themselves', () => {
    const identities = resolve(JSON.parse('{"__proto__":{"roles":"a"},"constructor":{"roles":"b"}}'));
    expect([...identities.values()].map(({ name, roles }) => [name, roles])).toEqual([
      ['__proto__', ['a']],
      ['constructor', ['b']],
    ]);
  });

  it.each([
    ['a text', 'press'],
    ['null', null],
    ['a list', [{}]],
    ['a Map', new Map([['press', {}]])],
  ])('refuses %s for the object', (_name, value) => {
    expect(refusal(value)).toContain('identities must be');
  });

  it.each(['', 'a\nb', 'a\u0000', 'a\u202eb', 'a\u2028b', 'x'.repeat(256)])('refuses the name %j', name => {
    expect(isIdentityName(name)).toBe(false);
    expect(refusal({ [name]: {} })).toContain('1 to 255 printable characters');
  });

  it.each(['press 7', 'spiffe://example/press', 'Ofen-Käufer', '炉', 'x'.repeat(255)])('takes the name %j', name => {
    expect(resolve({ [name]: {} }).has(name)).toBe(true);
  });

  it.each([
    [{ rolls: 'a' }, "identities['press'] has no option 'rolls'"],
    [{ password: 'a' }, "identities['press'] has no option 'password'"],
    ['device', "identities['press'] must be an object"],
    [null, "identities['press'] must be an object"],
    [undefined, "identities['press'] must be an object"],
    [{ roles: 'a b' }, "identities['press'].roles must be a role"],
    [{ roles: ['a', ''] }, "identities['press'].roles[1] must be a role"],
    [{ roles: 'a'.repeat(101) }, "identities['press'].roles must be a role"],
    [{ roles: Array(101).fill('a') }, 'must have from 0 to 100 entries'],
    [{ addresses: 'here' }, "identities['press'].addresses must be an IP address"],
    [{ addresses: [] }, "identities['press'].addresses must have at least one entry"],
    [{ certificate: 'press' }, "identities['press'].certificate must be one of"],
    [{ certificate: [] }, "identities['press'].certificate must have from 1 to"],
    [{ curveKey: KEY.slice(1) }, "identities['press'].curveKey must be a CURVE key"],
    [{ curveKey: [] }, 'must have from 1 to'],
    [{ passwordHash: 'hunter2' }, "identities['press'].passwordHash must be a hash"],
    [{ passwordHash: Array(9).fill(HASH) }, 'must have from 1 to 8 entries'],
    [{ signingKey: 'short' }, "identities['press'].signingKey must be 32 to 128 random bytes"],
    [{ signingKey: Array(17).fill(SIGNING.toString('base64')) }, 'must have from 1 to 16 entries'],
  ])('refuses %o', (identity, problem) => {
    expect(refusal({ press: identity })).toContain(problem);
  });

  it.each([
    ['curveKey', KEY, KEY],
    ['certificate', 'CN=press', 'CN=press'],
    ['certificate', 'DNS:press.example', 'DNS:PRESS.example'],
    ['certificate', 'IP:::1', 'IP:0:0:0:0:0:0:0:1'],
    ['certificate', `SHA256:${'ab'.repeat(32)}`, `SHA256:${'AB'.repeat(32)}`],
  ])('refuses one %s for two identities, naming both', (kind, first, second) => {
    const message = refusal({
      press: { [kind]: first },
      oven: { [kind]: ['CN=x', second].slice(kind === 'curveKey' ? 1 : 0) },
    });
    expect(message).toContain(`the same ${kind}`);
    expect(message).toContain("for 'press' and 'oven'");
  });

  it('takes the same credential twice for one identity', () => {
    expect(() => resolve({ press: { curveKey: [KEY, KEY] } })).not.toThrow();
  });

  it('takes signing keys of 32 to 128 bytes in both alphabets', () => {
    const sizes = [32, 33, 34, 127, 128];
    for (const encoding of ['base64', 'base64url'] as const) {
      const signingKey = sizes.slice(0, 16).map(size => Buffer.alloc(size, 0xfb).toString(encoding));
      const keys = resolve({ press: { signingKey } }).get('press')?.signingKeys ?? [];
      expect(keys.map(key => key.reveal().length)).toEqual(sizes);
    }
  });

  it.each([
    Buffer.alloc(31, 0xfb).toString('base64'),
    Buffer.alloc(129, 0xfb).toString('base64'),
    // Both alphabets in one, spare bits, blanks, and a length that base64 never has.
    `${'+'.repeat(22)}${'-'.repeat(22)}`,
    `${'A'.repeat(42)}B`,
    ` ${SIGNING.toString('base64')}`,
    'A'.repeat(45),
    7,
  ])('refuses the signing key %j and does not show it', signingKey => {
    const message = refusal({ press: { signingKey } });
    expect(message).toContain('32 to 128 random bytes in base64 or base64url');
    expect(message).not.toContain(String(signingKey).slice(0, 10).padEnd(10));
  });

  it('shows no secret when it is printed', () => {
    const identities = resolve({ press: { passwordHash: HASH, signingKey: SIGNING.toString('base64') } });
    const shown = inspect(identities, { depth: null, showHidden: true });
    expect(shown).toContain('[redacted]');
    expect(shown).not.toMatch(/fb fb|AAAA/);
  });

  it('refuses more than 100,000 identities', () => {
    const many = Object.fromEntries(Array.from({ length: 100_001 }, (_none, index) => [`press-${index}`, {}]));
    expect(refusal(many)).toContain('at most 100000 identities, but has 100001');
  });
});

describe('roleList', () => {
  it('takes one role, several, or none', () => {
    const given = [undefined, [], 'admin', ['a.b:c-d_e', '1']].map(value => roleList(value, 'roles'));
    expect(given).toEqual([[], [], ['admin'], ['a.b:c-d_e', '1']]);
  });
});
