import { constants, createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ZmqException } from '../errors/zmq.exception.js';
import type { Source } from '../options/source.js';
import type { ResolvedCertificate, ResolvedClientTls, ResolvedServerTls } from '../options/tls-options.js';
import { readSource } from '../security/key-files.js';

/** Protocol name for ALPN. */
export const ALPN = 'zmtp/3.1';

const CERTIFICATE = '(?:TRUSTED |X509 )?CERTIFICATE';

/** What a server's TLS is made of, as it is at the moment. Nothing of it shows the key. */
export interface ServerMaterial {
  /** By host name in small letters. */
  readonly contexts: ReadonlyMap<string, SecureContext>;
  /** The same for the same files. */
  readonly digest: string;
  readonly validTo: Date;
}

/**
 * Reads what a server's TLS is made of.
 *
 * @returns `options` hold the key as it is, and are not to be kept
 * @throws {@link ZmqException} `INVALID_OPTIONS` for files that cannot be read, broken PEM, or a key of another certificate
 */
export function readServerMaterial(tls: ResolvedServerTls): {
  readonly material: ServerMaterial;
  readonly options: SecureContextOptions;
} {
  const shared = {
    minVersion: tls.minVersion,
    // Resumed sessions would not look at the client's certificate again, which may have been revoked meanwhile.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(tls.ciphers !== undefined && { ciphers: tls.ciphers }),
    ...trust(tls),
  };
  const options = { ...shared, ...certificateOf(tls, 'tls') };
  checked(options, 'tls');
  const entries = [...tls.sni].map(([host, certificate]) => {
    const where = `tls.sni['${host}']`;
    const own = { ...shared, ...certificateOf(certificate, where) };
    return { host: host.toLowerCase(), own, context: checked(own, where) };
  });
  const material = {
    contexts: new Map(entries.map(({ host, context }) => [host, context])),
    digest: createHash('sha256')
      .update(JSON.stringify([options, ...entries.map(({ own }) => own)]))
      .digest('hex'),
    validTo: new Date(new X509Certificate(options.cert).validTo),
  };
  return { material, options };
}

/**
 * Reads what a client's TLS is made of.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS`, as above
 */
export function readClientContext({ certificate, ca, minVersion, ciphers }: ResolvedClientTls): SecureContext {
  const options = {
    minVersion,
    ...(ciphers !== undefined && { ciphers }),
    ...trust({ ca }),
    ...(certificate !== undefined && certificateOf(certificate, 'tls')),
  };
  return checked(options, 'tls');
}

/** The context for a host name that a client asks for: its own, or that of the pattern `*.rest`. */
export function contextFor(
  contexts: ReadonlyMap<string, SecureContext>,
  servername: string,
): SecureContext | undefined {
  const host = servername.toLowerCase();
  return contexts.get(host) ?? contexts.get(`*${host.slice(Math.max(0, host.indexOf('.')))}`);
}

function certificateOf({ cert, key, passphrase }: ResolvedCertificate, where: string) {
  return {
    cert: certificatesIn(cert, `${where}.cert`),
    key: readSource(key, true),
    ...(passphrase !== undefined && { passphrase: passphrase.reveal() }),
  };
}

/**
 * Who is trusted, and who of them no longer. Of a text without certificates Node would silently make nothing, or trust in all
 * authorities that it knows; of one with several lists it would read the first.
 */
function trust({ ca, crl }: { readonly ca: Source | undefined; readonly crl?: Source | undefined }) {
  return {
    ...(ca !== undefined && { ca: certificatesIn(ca, 'tls.ca') }),
    ...(crl !== undefined && { crl: listsIn(crl) }),
  };
}

/** @throws {@link ZmqException} `INVALID_OPTIONS` if there is none, or one that is not whole */
function certificatesIn(source: Source, where: string): string {
  const text = readSource(source, false);
  const blocks = blocksIn(text, CERTIFICATE);
  const begun = text.match(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g)?.length ?? 0;
  if (blocks.length === 0 || blocks.length < begun || !blocks.every(isCertificate)) {
    throw new ZmqException(
      'INVALID_OPTIONS',
      `${originOf(source, where)} must be certificates in PEM, each of them whole.`,
    );
  }
  return text;
}

/** @throws {@link ZmqException} `INVALID_OPTIONS` if there is none */
function listsIn(source: Source): string[] {
  const blocks = blocksIn(readSource(source, false), 'X509 CRL');
  if (blocks.length === 0) {
    throw new ZmqException(
      'INVALID_OPTIONS',
      `${originOf(source, 'tls.crl')} must be lists of revoked certificates in PEM.`,
    );
  }
  return blocks;
}

function originOf(source: Source, where: string): string {
  return source.file === undefined ? where : `${where} (${source.file})`;
}

function blocksIn(text: string, label: string): string[] {
  return text.match(new RegExp(`-----BEGIN (${label})-----[^-]+-----END \\1-----`, 'g')) ?? [];
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** OpenSSL's words tell what is wrong, and nothing of what it has read. */
function checked(options: SecureContextOptions, where: string): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    const { message } = error as Error;
    throw new ZmqException('INVALID_OPTIONS', `${where} has a certificate or key that cannot be used: ${message}`);
  }
}
