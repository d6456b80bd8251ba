import { isIP, isIPv6 } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import type { ResolvedClientTls } from '../options/tls-options.js';
import { onreadFor, type ReadTarget } from './socket-reader.js';
import { ALPN, readClientContext } from './tls-material.js';

export interface ClientTlsSocketOptions {
  /** `tls://host:port`. */
  readonly endpoint: string;
  readonly settings: ResolvedSocketOptions;
  readonly tls: ResolvedClientTls;
  readonly target: ReadTarget;
}

const TLS = /^tls:\/\/(.+):(\d{1,5})$/;
/** With several addresses, each has so long before the next is tried. */
const ATTEMPT_MS = 1_000;

/**
 * An encrypted connection to a server whose certificate is checked. Files are read anew each time, as certificates are
 * replaced while programs run.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` if certificate or key cannot be used
 */
export function connectTls({ endpoint, settings, tls, target }: ClientTlsSocketOptions): TLSSocket {
  const [, given = '', port = ''] = TLS.exec(endpoint) ?? [];
  const host = given.replace(/^\[|\]$/g, '');
  // Addresses are not asked for by name (RFC 6066), but the certificate has to have them.
  const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined);
  const options = {
    // The connection keeps what it was given, where whoever prints it would print the key.
    secureContext: readClientContext(tls),
    host,
    port: Number(port),
    ...(servername !== undefined && { servername }),
    family: settings.ipv6 || isIPv6(host) ? 0 : 4,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    ALPNProtocols: [ALPN],
    // Not left to the environment: NODE_TLS_REJECT_UNAUTHORIZED would switch it off for the whole process.
    rejectUnauthorized: true,
    onread: onreadFor(target),
  };
  return connect(options as ConnectionOptions);
}

/** What is wrong with the server's certificate; `undefined` if the error is of another kind. */
export function certificateProblem(error: NodeJS.ErrnoException): string | undefined {
  const { code = '' } = error;
  return /CERT|ISSUER|SIGNATURE|CHAIN|HOSTNAME|ALTNAME/.test(code) && !/ALERT/.test(code)
    ? `the server's certificate is not accepted: ${error.message} (${code})`
    : undefined;
}

/** OpenSSL's code for what ended a connection, such as `ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION`; `undefined` for others. */
export function tlsProblem({ code = '' }: NodeJS.ErrnoException): string | undefined {
  return code.startsWith('ERR_SSL_') ? code : undefined;
}
