import { describe, expect, it } from 'vitest';
import { GateSecurity } from '../../../../lib/cli/gate/gate-security.js';
import { resolveSettings } from '../../../../lib/cli/gate/gate-settings.js';
import type { ZmqCredentials } from '../../../../lib/options/authenticator.js';
import { peerCertificateOf } from '../../../../lib/security/certificate.js';
import { hashPassword } from '../../../../lib/security/password-hashing.js';
import type { PeerOrigin } from '../../../../lib/security/verdict.js';
import { legacyCertificate } from '../../../support/certificates.js';

const NAME = 'devices';
const MUTUAL = {
  listen: [{ endpoint: 'tls://127.0.0.1:1', name: NAME }],
  tls: { certFile: 'server.pem', keyFile: 'server.key', caFile: 'ca.pem' },
};
const PLAIN = { listen: [{ endpoint: 'tcp://127.0.0.1:1', name: NAME }], mechanism: 'PLAIN' };
const PRESS = { 'press-7': { certificate: 'CN=press-7' } };

const credentials: ZmqCredentials = {
  mechanism: 'NULL',
  listener: NAME,
  address: '127.0.0.1',
  certificate: peerCertificateOf(legacyCertificate('honest')),
  username: undefined,
  password: undefined,
  publicKey: undefined,
};

function securityOf(config: object): GateSecurity {
  return new GateSecurity(resolveSettings({ forward: 'ipc:///a', ...config }, {}));
}

function originOf(identity: PeerOrigin['identity'], mechanism: 'NULL' | 'PLAIN' = 'NULL'): PeerOrigin {
  const { address, certificate } = credentials;
  return { listener: NAME, mechanism, address, identity, listenerRoles: [], certificate };
}

describe('the security of the gate program', () => {
  it('lets everybody in where nothing says who anybody is', () => {
    const security = securityOf({ listen: 'tcp://127.0.0.1:1' });
    expect(security.isOpenAt('tcp://127.0.0.1:1')).toBe(true);
    expect(security.decide({ ...credentials, listener: 'tcp://127.0.0.1:1' })).toMatchObject({ admitted: true });
  });

  it('knows peers by their certificates', () => {
    expect(securityOf({ ...MUTUAL, identities: PRESS }).decide(credentials)).toMatchObject({
      admitted: true,
      identity: { name: 'press-7' },
    });
    const others = securityOf({ ...MUTUAL, identities: { 'press-8': { certificate: 'CN=press-8' } } });
    expect(others.decide(credentials)).toEqual({ admitted: false, failure: 'unknown' });
  });

  it('asks for a role where a listener is for one', () => {
    const listen = [{ ...MUTUAL.listen[0], admit: 'device' }];
    const known = securityOf({ ...MUTUAL, listen, identities: PRESS });
    expect(known.decide(credentials)).toEqual({ admitted: false, failure: 'wrong-role' });
    const identities = { 'press-7': { certificate: 'CN=press-7', roles: 'device' } };
    expect(securityOf({ ...MUTUAL, listen, identities }).decide(credentials)).toMatchObject({ admitted: true });
  });

  it('refuses a listener by which nobody could come in', () => {
    const config = { listen: 'tcp://127.0.0.1:1', identities: PRESS };
    expect(() => securityOf(config)).toThrow('tcp://127.0.0.1:1 would let nobody in');
    expect(() => securityOf({ ...config, anonymous: true })).not.toThrow();
  });

  it('keeps peers who would be let in as the same, and no others', () => {
    const before = securityOf({ ...MUTUAL, identities: PRESS });
    const origin = originOf({ name: 'press-7', roles: [] });
    expect(securityOf({ ...MUTUAL, identities: { ...PRESS, ann: {} } }).keeps(origin, before)).toBe(true);
    const revoked = securityOf({ ...MUTUAL, identities: { ann: { certificate: 'CN=ann' } } });
    expect(revoked.keeps(origin, before)).toBe(false);
    const moved = securityOf({
      ...MUTUAL,
      identities: { 'press-7': { ...PRESS['press-7'], addresses: '10.0.0.0/8' } },
    });
    expect(moved.keeps(origin, before)).toBe(false);
    const renamed = securityOf({ ...MUTUAL, identities: { other: { certificate: 'CN=press-7' } } });
    expect(renamed.keeps(origin, before)).toBe(false);
  });

  it('does not keep who came in without a name once names are asked for', () => {
    const tls = { ...MUTUAL.tls, requireCertificate: false };
    const before = securityOf({ ...MUTUAL, tls });
    const nobody = { ...originOf(undefined), certificate: undefined };
    expect(before.keeps(nobody, before)).toBe(true);
    expect(securityOf({ ...MUTUAL, tls, identities: PRESS }).keeps(nobody, before)).toBe(false);
  });

  it('does not keep who came in with a password that has been changed since', async () => {
    const [one, two] = await Promise.all([hashPassword('one'), hashPassword('two')]);
    const before = securityOf({ ...PLAIN, identities: { ann: { passwordHash: one }, bob: { passwordHash: one } } });
    const [ann, bob] = ['ann', 'bob'].map(name => originOf({ name, roles: [] }, 'PLAIN')) as [PeerOrigin, PeerOrigin];
    const after = securityOf({ ...PLAIN, identities: { ann: { passwordHash: one }, bob: { passwordHash: two } } });
    expect(after.keeps(ann, before)).toBe(true);
    expect(after.keeps(bob, before)).toBe(false);
    expect(after.keeps(originOf(undefined, 'PLAIN'), before)).toBe(false);
  });
});
