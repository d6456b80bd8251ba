import { describe, describeKind } from './bytes.js';
import { choice, flag, invalid, milliseconds, resolveFields, type Field } from './fields.js';
import type { Secret } from './secret.js';
import { path, pem, secretText, sourceOf, type Source } from './source.js';

/** A certificate with its key, in PEM or as files. */
export interface ZmqCertificateOptions {
  /** Certificate, with those between it and the root behind it. */
  readonly cert?: string | Uint8Array;
  readonly certFile?: string;
  readonly key?: string | Uint8Array;
  /** Must not be readable by everybody. */
  readonly keyFile?: string;
  /** Of the key, if it is encrypted. */
  readonly passphrase?: string;
}

/** Least version of TLS. */
export type ZmqTlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** TLS at a listener. Files are read when the server starts, and again when they have changed. */
export interface ZmqServerTlsOptions extends ZmqCertificateOptions {
  /** Who signs the certificates of clients. With it, clients must show one (mutual TLS). */
  readonly ca?: string | Uint8Array;
  readonly caFile?: string;
  /** Certificates that are no longer valid, signed by `ca`. */
  readonly crl?: string | Uint8Array;
  readonly crlFile?: string;
  /** `false` lets in clients without a certificate, too; a certificate that is wrong is refused all the same. @defaultValue true with `ca` */
  readonly requireCertificate?: boolean;
  /** @defaultValue 'TLSv1.2' */
  readonly minVersion?: ZmqTlsVersion;
  /** OpenSSL's list of ciphers for TLS 1.2. @defaultValue Node's */
  readonly ciphers?: string;
  /** Other certificates for other host names that clients ask for (SNI); `*.example.com` stands for any one label. */
  readonly sni?: Readonly<Record<string, ZmqCertificateOptions>>;
  /** Milliseconds between two looks at the files, 100 to 86,400,000; 0 for never. @defaultValue 60000 */
  readonly reloadInterval?: number;
}

/** TLS of a client. Files are read again when they have changed, for the next connection. */
export interface ZmqClientTlsOptions extends ZmqCertificateOptions {
  /** Who signs the server's certificate. @defaultValue the authorities that Node knows */
  readonly ca?: string | Uint8Array;
  readonly caFile?: string;
  /** Name that the server's certificate must have, and that it is asked for (SNI). @defaultValue the host of the endpoint */
  readonly servername?: string;
  /** @defaultValue 'TLSv1.2' */
  readonly minVersion?: ZmqTlsVersion;
  readonly ciphers?: string;
}

export interface ResolvedCertificate {
  readonly cert: Source;
  readonly key: Source;
  readonly passphrase: Secret<string> | undefined;
}

export interface ResolvedServerTls extends ResolvedCertificate {
  readonly ca: Source | undefined;
  readonly crl: Source | undefined;
  readonly requireCertificate: boolean;
  readonly minVersion: ZmqTlsVersion;
  readonly ciphers: string | undefined;
  readonly sni: ReadonlyMap<string, ResolvedCertificate>;
  readonly reloadInterval: number;
}

export interface ResolvedClientTls {
  readonly certificate: ResolvedCertificate | undefined;
  readonly ca: Source | undefined;
  readonly servername: string | undefined;
  readonly minVersion: ZmqTlsVersion;
  readonly ciphers: string | undefined;
}

const MAX_SNI = 1_000;
const DAY_MS = 86_400_000;

const CERTIFICATE_FIELDS = { cert: pem, certFile: path, key: pem, keyFile: path, passphrase: secretText };
const COMMON_FIELDS = {
  ...CERTIFICATE_FIELDS,
  ca: pem,
  caFile: path,
  minVersion: choice(['TLSv1.2', 'TLSv1.3'], 'TLSv1.2'),
  ciphers: text,
};

const interval: Field<number> = (value, option) =>
  value === 0 ? 0 : milliseconds({ min: 100, max: DAY_MS, fallback: 60_000 })(value, option);

const sni: Field<ReadonlyMap<string, ResolvedCertificate>> = (value = {}, option) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${option} must be an object of certificates by host name, but is ${describeKind(value)}.`);
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_SNI) {
    throw invalid(`${option} must have at most ${MAX_SNI} host names, but has ${entries.length}.`);
  }
  return new Map(
    entries.map(([host, given]) => {
      const where = `${option}[${describe(host)}]`;
      if (!/^(\*\.)?[a-z\d_-]+(\.[a-z\d_-]+)*$/i.test(host)) {
        throw invalid(`${where} is no host name.`);
      }
      return [host, certificateOf(resolveFields(given, CERTIFICATE_FIELDS, where), where)];
    }),
  );
};

const SERVER_FIELDS = {
  ...COMMON_FIELDS,
  crl: pem,
  crlFile: path,
  requireCertificate: (value: unknown, option: string) => (value === undefined ? undefined : flag(true)(value, option)),
  sni,
  reloadInterval: interval,
};

/** The group `tls` of a server's options; `undefined` if there is none. */
export const serverTlsOptions: Field<ResolvedServerTls | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  const given = resolveFields(value, SERVER_FIELDS, option);
  const { minVersion, ciphers, reloadInterval, requireCertificate } = given;
  const ca = sourceOf(given.ca, given.caFile, `${option}.ca`);
  const crl = sourceOf(given.crl, given.crlFile, `${option}.crl`);
  if (ca === undefined && (requireCertificate === true || crl !== undefined)) {
    throw invalid(
      `${option}.ca must be given with ${crl === undefined ? 'requireCertificate' : 'crl'}: it signs them.`,
    );
  }
  return Object.freeze({
    ...certificateOf(given, option),
    ca,
    crl,
    requireCertificate: requireCertificate ?? ca !== undefined,
    minVersion,
    ciphers,
    sni: given.sni,
    reloadInterval,
  });
};

const CLIENT_FIELDS = { ...COMMON_FIELDS, servername: text };

/** The group `tls` of a client's options. */
export const clientTlsOptions: Field<ResolvedClientTls> = (value, option) => {
  const given = resolveFields(value, CLIENT_FIELDS, option);
  const { cert, certFile, key, keyFile, servername, minVersion, ciphers } = given;
  const hasCertificate = [cert, certFile, key, keyFile].some(part => part !== undefined);
  return Object.freeze({
    certificate: hasCertificate ? certificateOf(given, option) : undefined,
    ca: sourceOf(given.ca, given.caFile, `${option}.ca`),
    servername,
    minVersion,
    ciphers,
  });
};

type GivenCertificate = {
  readonly [K in 'cert' | 'key' | 'passphrase']: Secret<string> | undefined;
} & { readonly [K in 'certFile' | 'keyFile']: string | undefined };

function certificateOf(given: GivenCertificate, option: string): ResolvedCertificate {
  const cert = sourceOf(given.cert, given.certFile, `${option}.cert`);
  const key = sourceOf(given.key, given.keyFile, `${option}.key`);
  if (cert === undefined || key === undefined) {
    const missing = cert === undefined ? 'cert' : 'key';
    throw invalid(`${option}.${missing} or ${missing}File must be given.`);
  }
  return Object.freeze({ cert, key, passphrase: given.passphrase });
}

function text(value: unknown, option: string): string | undefined {
  if (value !== undefined && (typeof value !== 'string' || value === '' || value.length > 4_096)) {
    throw invalid(`${option} must be a text that is not empty, but is ${describe(value)}.`);
  }
  return value;
}
