import type { PeerCertificate } from 'node:tls';
import type { ZmqPeerCertificate } from '../options/authenticator.js';
import type { CertificateMatch } from '../options/certificate-match.js';
import { parseIpAddress } from '../options/ip-address.js';
import { subjectAltNames } from './subject-alt-names.js';

type DistinguishedName = PeerCertificate['subject'];

/**
 * What `tlsSocket.getPeerCertificate()` tells, in a form that two different certificates cannot share by clever names;
 * `undefined` where the peer has shown none. Says nothing of whether the certificate is valid: only TLS does.
 */
export function peerCertificateOf(certificate: PeerCertificate | null | undefined): ZmqPeerCertificate | undefined {
  if (!certificate || Object.keys(certificate).length === 0) {
    return undefined;
  }
  // Several common names come as an array: none of them is *the* name. The types know nothing of it.
  const commonName: unknown = certificate.subject?.CN;
  return Object.freeze({
    subject: textOf(certificate.subject),
    commonName: typeof commonName === 'string' ? commonName : undefined,
    subjectAltNames: Object.freeze(subjectAltNames(certificate.subjectaltname ?? '')),
    issuer: textOf(certificate.issuer),
    fingerprint: certificate.fingerprint256.replaceAll(':', ''),
    serialNumber: certificate.serialNumber,
    validTo: new Date(certificate.valid_to),
  });
}

/** Whether a certificate has the name or fingerprint. Its wildcards stand for themselves alone. */
export function certificateMatches(certificate: ZmqPeerCertificate, match: CertificateMatch): boolean {
  return certificateKeys(certificate).includes(certificateKey(match));
}

/** All that a certificate can be matched by, as {@link certificateKey} writes it. */
export function certificateKeys({ commonName, subjectAltNames: names, fingerprint }: ZmqPeerCertificate): string[] {
  const keys = names.map(canonicalAltName).filter(name => name !== undefined);
  if (commonName !== undefined) {
    keys.push(`CN:${commonName}`);
  }
  keys.push(`SHA256:${fingerprint}`);
  return keys;
}

/** One text for each match, for look-ups in maps. */
export function certificateKey({ kind, value }: CertificateMatch): string {
  return `${kind}:${value}`;
}

function canonicalAltName(name: string): string | undefined {
  const colon = name.indexOf(':');
  const kind = name.slice(0, colon);
  const value = name.slice(colon + 1);
  switch (kind) {
    case 'DNS':
      return `DNS:${value.toLowerCase()}`;
    case 'IP': {
      const address = parseIpAddress(value);
      return address && `IP:${address.text}`;
    }
    case 'URI':
    case 'EMAIL':
      return name;
    default:
      // Such as `DirName`: there is no match for it, and it must not look like one.
      return undefined;
  }
}

/** A distinguished name in the order of the certificate, escaped as in RFC 4514. */
function textOf(name: DistinguishedName | undefined): string {
  const attributes: [string, unknown][] = Object.entries(name ?? {});
  return attributes
    .flatMap(([type, value]) =>
      (Array.isArray(value) ? value : [value]).map(each => `${type}=${escaped(String(each))}`),
    )
    .join(',');
}

function escaped(value: string): string {
  return value.replace(/[\\,+"<>;]|^[ #]| $/g, '\\$&').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, character => {
    return [...Buffer.from(character)].map(byte => `\\${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
  });
}
