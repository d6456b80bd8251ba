import type { PeerCertificate } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { certificateMatch } from '../../../lib/options/certificate-match.js';
import { certificateMatches, peerCertificateOf } from '../../../lib/security/certificate.js';
import { legacyCertificate } from '../../support/certificates.js';

const HONEST = peerCertificateOf(legacyCertificate('honest'))!;
const HOSTILE = peerCertificateOf(legacyCertificate('hostile'))!;
const TWOFOLD = peerCertificateOf(legacyCertificate('twofold'))!;

describe('peerCertificateOf', () => {
  it('is nothing where the peer has shown no certificate', () => {
    expect(peerCertificateOf({} as PeerCertificate)).toBeUndefined();
    expect(peerCertificateOf(null)).toBeUndefined();
  });

  it('tells names, fingerprint and term of a certificate', () => {
    expect(HONEST).toEqual({
      subject: 'O=Example,OU=devices,OU=ovens,CN=press-7',
      issuer: 'O=Example,OU=devices,OU=ovens,CN=press-7',
      commonName: 'press-7',
      subjectAltNames: [
        'DNS:Press-7.Example',
        'URI:spiffe://example/press-7',
        'EMAIL:press@example.org',
        'IP:10.0.0.7',
        'IP:2001:DB8:0:0:0:0:0:7',
      ],
      fingerprint: legacyCertificate('honest').fingerprint256.replaceAll(':', ''),
      serialNumber: '07',
      validTo: new Date(legacyCertificate('honest').valid_to),
    });
    expect(HONEST.fingerprint).toMatch(/^[0-9A-F]{64}$/);
    expect(HONEST.validTo.getTime()).toBeGreaterThan(Date.parse('2030-01-01'));
  });

  it('escapes names so that one attribute cannot look like two', () => {
    expect(HOSTILE.subject).toBe('CN=guest\\,OU=admins,O=\\# one\\\\\\+two\\ ');
  });

  it('does not take one subject alternative name for several', () => {
    expect(HOSTILE.subjectAltNames).toEqual([
      'DNS:guest.example, DNS:admin.example',
      'URI:x:a", DNS:"admin.example',
      'othername:UPN:a, DNS:admin.example',
      'DirName:CN=x\\, DNS:admin.example',
      'Registered ID:1.2.3.4',
    ]);
  });

  it('has no common name where the certificate has several', () => {
    expect(TWOFOLD).toMatchObject({ subject: 'CN=guest,CN=admin', commonName: undefined, subjectAltNames: [] });
  });

  it('writes control characters as their bytes', () => {
    const certificate = { ...legacyCertificate('honest'), subject: { CN: 'a\u0000\n\u202eü' } } as PeerCertificate;
    expect(peerCertificateOf(certificate)?.subject).toBe('CN=a\\00\\0A\\E2\\80\\AEü');
  });
});

describe('certificateMatches', () => {
  it.each([
    'CN=press-7',
    'DNS:press-7.example',
    'DNS:PRESS-7.EXAMPLE',
    'URI:spiffe://example/press-7',
    'EMAIL:press@example.org',
    'IP:10.0.0.7',
    'IP:::ffff:10.0.0.7',
    'IP:2001:db8::7',
    `SHA256:${HONEST.fingerprint.toLowerCase()}`,
  ])('finds %s', text => {
    expect(certificateMatches(HONEST, certificateMatch(text, 'certificate'))).toBe(true);
  });

  it.each([
    'CN=Press-7',
    'CN=press-7.example',
    'CN=ovens',
    'DNS:press-7',
    'DNS:example',
    'URI:spiffe://example/PRESS-7',
    'URI:spiffe://example/press',
    'EMAIL:Press@example.org',
    'IP:10.0.0.8',
    `SHA256:${'0'.repeat(64)}`,
  ])('does not find %s', text => {
    expect(certificateMatches(HONEST, certificateMatch(text, 'certificate'))).toBe(false);
  });

  it.each(['CN=guest', 'CN=admins', 'DNS:admin.example', 'DNS:guest.example'])(
    'is not led to %s by a name with commas',
    text => {
      expect(certificateMatches(HOSTILE, certificateMatch(text, 'certificate'))).toBe(false);
    },
  );

  it.each(['CN=guest', 'CN=admin'])('does not choose %s among several common names', text => {
    expect(certificateMatches(TWOFOLD, certificateMatch(text, 'certificate'))).toBe(false);
  });

  it('takes a wildcard for itself alone', () => {
    const wildcard = { ...HONEST, subjectAltNames: ['DNS:*.example'] };
    expect(certificateMatches(wildcard, certificateMatch('DNS:press-7.example', 'certificate'))).toBe(false);
  });

  it('does not take a name of another kind for one of its own', () => {
    const odd = { ...HONEST, subjectAltNames: ['CN:boss', 'SHA256:00', 'DirName:DNS:boss'] };
    expect(certificateMatches(odd, { kind: 'CN', value: 'boss' })).toBe(false);
    expect(certificateMatches(odd, { kind: 'SHA256', value: '00' })).toBe(false);
    expect(certificateMatches(odd, { kind: 'DNS', value: 'boss' })).toBe(false);
  });
});
