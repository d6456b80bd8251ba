import { invalid, integer, milliseconds, flag, resolveFields, type Field } from './fields.js';
import { isIdentityName } from './identity-options.js';
import { Secret } from './secret.js';

/** User name and password of PLAIN (RFC 24), each up to 255 bytes. They cross the wire as they are, hence only on this machine or within TLS. */
export interface ZmqPlainOptions {
  readonly username: string;
  readonly password: string;
}

/** The key with which a client signs each of its requests and events. */
export interface ZmqSigningOptions {
  /** The identity whose key it is. */
  readonly name: string;
  /** base64 or base64url of 32 to 128 bytes; `nestjs-zeromq keygen signing-key` makes one. */
  readonly key: string;
}

/** How a server takes signed requests. */
export interface ZmqSignaturesOptions {
  /** Refuses requests and events without a signature (`UNAUTHENTICATED`). @defaultValue false */
  readonly required?: boolean;
  /** Milliseconds by which a signature may be too old or too new, 1,000 to 3,600,000. Clocks must agree that well. @defaultValue 30000 */
  readonly window?: number;
  /** Signatures that are remembered, so that none is taken twice; above it signed requests are refused. 1,000 to 10,000,000. @defaultValue 200,000 */
  readonly maxNonces?: number;
}

export interface ResolvedPlain {
  readonly username: string;
  readonly password: Secret<string>;
}

export interface ResolvedSigning {
  readonly name: string;
  readonly key: Secret<Buffer>;
}

const MAX_PLAIN_BYTES = 255;
const KEY_BYTES = { least: 32, most: 128 };

/** A text that PLAIN can carry. What it says never appears in an error. */
const plainText: Field<string> = (value, option) => {
  if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > MAX_PLAIN_BYTES) {
    throw invalid(`${option} must be a text of 1 to ${MAX_PLAIN_BYTES} bytes.`);
  }
  return value;
};

const signingKey: Field<Secret<Buffer>> = (value, option) => {
  const isBase64 = typeof value === 'string' && /^[\w+/-]+={0,2}$/.test(value);
  const bytes = Buffer.from(isBase64 ? value : '', 'base64');
  if (bytes.length < KEY_BYTES.least || bytes.length > KEY_BYTES.most) {
    throw invalid(`${option} must be base64 of ${KEY_BYTES.least} to ${KEY_BYTES.most} bytes.`);
  }
  return new Secret(bytes);
};

const name: Field<string> = (value, option) => {
  if (!isIdentityName(value)) {
    throw invalid(`${option} must be a text of 1 to 255 printable characters.`);
  }
  return value;
};

/** The group `plain` of a client's options; `undefined` if there is none. */
export const plainOptions: Field<ResolvedPlain | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  const { username, password } = resolveFields(value, { username: plainText, password: plainText }, option);
  return Object.freeze({ username, password: new Secret(password) });
};

/** The group `signing` of a client's options; `undefined` if there is none. */
export const signingOptions: Field<ResolvedSigning | undefined> = (value, option) =>
  value === undefined ? undefined : resolveFields(value, { name, key: signingKey }, option);

const SIGNATURES_FIELDS = {
  required: flag(false),
  window: milliseconds({ min: 1_000, max: 3_600_000, fallback: 30_000 }),
  maxNonces: integer({ min: 1_000, max: 10_000_000, fallback: 200_000 }),
};

/** The group `signatures` of a server's options. */
export const signaturesOptions = (value: unknown, option: string) => resolveFields(value, SIGNATURES_FIELDS, option);
