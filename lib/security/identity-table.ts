import type { ZmqIdentity, ZmqPeerCertificate } from '../options/authenticator.js';
import { isIdentityName, type ResolvedIdentity } from '../options/identity-options.js';
import { AddressList } from './address-list.js';
import { certificateKey, certificateKeys } from './certificate.js';

/** One identity as the table finds it. */
export interface IdentityEntry {
  /** Frozen, and the same object each time that the identity is found. */
  readonly identity: Required<ZmqIdentity>;
  readonly source: ResolvedIdentity;
  /** Whether the identity may be used from an address; one that is not known is no allowed one. */
  mayComeFrom(address: string | undefined): boolean;
}

/** Finds identities by what peers show. Proves nothing: that a peer has the key or the password is proven elsewhere. */
export class IdentityTable {
  readonly isEmpty: boolean;
  readonly #byName = new Map<string, IdentityEntry>();
  readonly #byCurveKey = new Map<string, IdentityEntry>();
  readonly #byCertificate = new Map<string, IdentityEntry>();

  constructor(identities: ReadonlyMap<string, ResolvedIdentity>) {
    this.isEmpty = identities.size === 0;
    for (const source of identities.values()) {
      const entry = entryOf(source);
      this.#byName.set(source.name, entry);
      for (const key of source.curveKeys) {
        this.#byCurveKey.set(key, entry);
      }
      for (const match of source.certificates) {
        this.#byCertificate.set(certificateKey(match), entry);
      }
    }
  }

  byName(name: string): IdentityEntry | undefined {
    return this.#byName.get(name);
  }

  /** @param key - public key, 40 characters of Z85 */
  byCurveKey(key: string): IdentityEntry | undefined {
    return this.#byCurveKey.get(key);
  }

  /**
   * Where any identity lists certificates, the one that lists this one; `'ambiguous'` where several do, by different names
   * in it. Else the certificate names itself, even an identity that is not in the table, which then has no roles.
   */
  byCertificate(certificate: ZmqPeerCertificate): IdentityEntry | 'ambiguous' | undefined {
    if (this.#byCertificate.size === 0) {
      return this.#namedBy(certificate);
    }
    const found = new Set<IdentityEntry>();
    for (const key of certificateKeys(certificate)) {
      const entry = this.#byCertificate.get(key);
      if (entry !== undefined) {
        found.add(entry);
      }
    }
    return found.size > 1 ? 'ambiguous' : [...found][0];
  }

  #namedBy(certificate: ZmqPeerCertificate): IdentityEntry | undefined {
    const name = ownName(certificate);
    if (!isIdentityName(name)) {
      return undefined;
    }
    const entry = this.#byName.get(name);
    if (entry === undefined) {
      return entryOf(nobodyElse(name));
    }
    // Whoever proves himself by a key or a password must not be impersonated by a certificate of the same name.
    return hasCredential(entry.source) ? undefined : entry;
  }
}

function entryOf(source: ResolvedIdentity): IdentityEntry {
  const { name, roles } = source;
  const addresses = source.addresses.length === 0 ? undefined : new AddressList(source.addresses);
  return Object.freeze({
    identity: Object.freeze({ name, roles }),
    source,
    mayComeFrom: (address: string | undefined) =>
      addresses === undefined || (address !== undefined && addresses.includes(address)),
  });
}

function ownName({ commonName, subjectAltNames }: ZmqPeerCertificate): string | undefined {
  const [only, ...others] = subjectAltNames;
  if (commonName !== undefined || only === undefined || others.length > 0) {
    return commonName;
  }
  return /^(?:DNS|URI|EMAIL|IP):(.+)$/su.exec(only)?.[1];
}

function hasCredential({ certificates, curveKeys, passwords, signingKeys }: ResolvedIdentity): boolean {
  return [certificates, curveKeys, passwords, signingKeys].some(credentials => credentials.length > 0);
}

function nobodyElse(name: string): ResolvedIdentity {
  const none = Object.freeze([]);
  const credentials = { certificates: none, curveKeys: none, passwords: none, signingKeys: none };
  return Object.freeze({ name, roles: none, addresses: none, ...credentials });
}
