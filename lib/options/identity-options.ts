import { describe, describeKind } from './bytes.js';
import { certificateMatch, type CertificateMatch } from './certificate-match.js';
import { cidrList } from './cidr.js';
import { invalid, resolveFields, type Field } from './fields.js';
import { parsePasswordHash, type PasswordHash } from './password-hash.js';
import { Secret } from './secret.js';
import { z85Key } from './z85.js';

/**
 * Somebody who may connect: by what he proves who he is, what he is, and from where he may come. Each kind of credential
 * is one or several, any of which will do, so that a new one can be put beside the old one before that is taken away.
 * Without any credential, an identity is that of a certificate with its name: of its common name, or else of its only
 * subject alternative name (without `DNS:` or the like).
 */
export interface ZmqIdentityOptions {
  /** What access rules ask for: each 1 to 100 letters, digits, `_`, `.`, `:` or `-`, at most 100. @defaultValue none */
  readonly roles?: string | readonly string[];
  /** Networks such as `10.0.0.0/8` or addresses, from which alone the identity may be used. @defaultValue from everywhere */
  readonly addresses?: string | readonly string[];
  /**
   * Client certificates of mutual TLS, by one of `CN=press-7`, `DNS:press-7.example` (no wildcards),
   * `URI:spiffe://example/press-7`, `EMAIL:press@example.org`, `IP:10.0.0.1` or `SHA256:AB:CD:…` (the fingerprint, with or
   * without colons). As soon as one identity has this, certificates no longer name an identity by themselves.
   */
  readonly certificate?: string | readonly string[];
  /** Public CURVE keys, 40 characters of Z85. */
  readonly curveKey?: string | readonly string[];
  /** Hashes of the password in PHC text, `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, at most 8; the name is that of the identity. */
  readonly passwordHash?: string | readonly string[];
  /** Keys by which single requests are signed: 32 to 128 random bytes in base64 or base64url, at most 16. */
  readonly signingKey?: string | readonly string[];
}

export interface ResolvedIdentity {
  readonly name: string;
  readonly roles: readonly string[];
  /** Empty for everywhere. */
  readonly addresses: readonly string[];
  readonly certificates: readonly CertificateMatch[];
  readonly curveKeys: readonly string[];
  readonly passwords: readonly PasswordHash[];
  readonly signingKeys: readonly Secret<Buffer>[];
}

const MAX_IDENTITIES = 100_000;
const MAX_ROLES = 100;
const resolvedMaps = new WeakSet<object>();

/** One or several roles, at most 100; none unless given. */
export const roleList = listOf(role, { min: 0, max: MAX_ROLES });

const IDENTITY_FIELDS = {
  roles: roleList,
  addresses,
  certificate: listOf(certificateMatch, { min: 1, max: 1_000 }),
  curveKey: listOf(z85Key, { min: 1, max: 1_000 }),
  // Each is tried, and trying one is meant to be expensive.
  passwordHash: listOf(parsePasswordHash, { min: 1, max: 8 }),
  signingKey: listOf(signingKey, { min: 1, max: 16 }),
};

/** Whether a text can be the name of an identity: 1 to 255 printable characters. */
export function isIdentityName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 255 && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(text);
}

/** Whether a text can be a role: 1 to 100 letters, digits, `_`, `.`, `:` or `-`. */
export function isRole(text: unknown): text is string {
  return typeof text === 'string' && /^[\w.:-]{1,100}$/.test(text);
}

/**
 * The option `identities`: {@link ZmqIdentityOptions} by name, at most 100,000; none unless given. What has been resolved
 * once is taken as it is.
 */
export const identityOptions: Field<ReadonlyMap<string, ResolvedIdentity>> = (value = {}, option) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${option} must be an object of identities by name, but is ${describeKind(value)}.`);
  }
  if (resolvedMaps.has(value)) {
    return value as ReadonlyMap<string, ResolvedIdentity>;
  }
  const given = Object.entries(value);
  if (value instanceof Map || given.length > MAX_IDENTITIES) {
    throw invalid(
      `${option} must be a plain object of at most ${MAX_IDENTITIES} identities, ` +
        `but ${value instanceof Map ? 'is a Map' : `has ${given.length}`}.`,
    );
  }
  const identities = new Map(given.map(([name, identity]) => [name, resolveIdentity(name, identity, option)]));
  refuseSharedCredentials(identities, option);
  resolvedMaps.add(identities);
  return identities;
};

/** Whether an identity is that of a connection, and not of single signed requests alone. */
function isOfConnections({ signingKeys, certificates, curveKeys, passwords }: ResolvedIdentity): boolean {
  return signingKeys.length === 0 || certificates.length + curveKeys.length + passwords.length > 0;
}

function resolveIdentity(name: string, value: unknown, option: string): ResolvedIdentity {
  if (!isIdentityName(name)) {
    throw invalid(`The names in ${option} must have 1 to 255 printable characters, but one is ${describe(name)}.`);
  }
  if (value === undefined) {
    throw invalid(`${option}[${describe(name)}] must be an object, but is undefined.`);
  }
  const fields = resolveFields(value, IDENTITY_FIELDS, `${option}[${describe(name)}]`);
  return Object.freeze({
    name,
    roles: fields.roles,
    addresses: fields.addresses,
    certificates: fields.certificate,
    curveKeys: fields.curveKey,
    passwords: fields.passwordHash,
    signingKeys: fields.signingKey,
  });
}

/** Whoever shows such a credential would be either of two, and it would not be clear whose roles hold. */
function refuseSharedCredentials(identities: ReadonlyMap<string, ResolvedIdentity>, option: string): void {
  const owners = new Map<string, string>();
  for (const { name, certificates, curveKeys } of identities.values()) {
    const shown = [
      ...certificates.map(({ kind, value }) => `certificate ${kind}${kind === 'CN' ? '=' : ':'}${value}`),
      ...curveKeys.map(key => `curveKey ${key}`),
    ];
    for (const credential of shown) {
      const owner = owners.get(credential) ?? name;
      if (owner !== name) {
        throw invalid(
          `${option} has the same ${credential} for ${describe(owner)} and ${describe(name)}: ` +
            'each must belong to one identity.',
        );
      }
      owners.set(credential, name);
    }
  }
}

/** One or several values; none unless given. A list must say what it allows, for an empty one may be a mistake. */
function listOf<T>(field: Field<T>, { min, max }: { min: number; max: number }): Field<readonly T[]> {
  return (value, option) => {
    if (value === undefined) {
      return Object.freeze([]);
    }
    if (!Array.isArray(value)) {
      return Object.freeze([field(value, option)]);
    }
    if (value.length < min || value.length > max) {
      throw invalid(`${option} must have from ${min} to ${max} entries, but has ${value.length}.`);
    }
    return Object.freeze(value.map((entry, index) => field(entry, `${option}[${index}]`)));
  };
}

function addresses(value: unknown, option: string): readonly string[] {
  if (Array.isArray(value) && value.length === 0) {
    throw invalid(`${option} must have at least one entry: leave it out where the identity may come from everywhere.`);
  }
  return cidrList(value, option);
}

function role(value: unknown, option: string): string {
  if (!isRole(value)) {
    throw invalid(
      `${option} must be a role of 1 to 100 letters, digits, '_', '.', ':' or '-', but is ${describe(value)}.`,
    );
  }
  return value;
}

function signingKey(value: unknown, option: string): Secret<Buffer> {
  // 171 characters and an equals sign hold 128 bytes.
  const isText = typeof value === 'string' && /^(?:[A-Za-z0-9+/]{43,171}|[A-Za-z0-9_-]{43,171})={0,2}$/.test(value);
  const bytes = isText ? Buffer.from(value, 'base64') : Buffer.alloc(0);
  const isExact =
    isText && bytes.toString('base64url') === value.replace(/=+$/, '').replace(/\+/g, '-').replace(/\//g, '_');
  if (!isExact || bytes.length < 32 || bytes.length > 128) {
    throw invalid(
      `${option} must be 32 to 128 random bytes in base64 or base64url. ` +
        'What was given is not shown, as it may be a secret.',
    );
  }
  return new Secret(bytes);
}

/** Whether any identity is that of connections. */
export function hasConnections(identities: ReadonlyMap<string, ResolvedIdentity>): boolean {
  return [...identities.values()].some(isOfConnections);
}
