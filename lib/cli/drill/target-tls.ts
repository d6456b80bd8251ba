import type { SecureContext } from 'node:tls';
import { ZmqException } from '../../errors/zmq.exception.js';
import { readClientContext } from '../../gate/tls-material.js';
import { clientTlsOptions, type ResolvedClientTls } from '../../options/tls-options.js';
import { UsageError } from '../usage-error.js';
import type { TargetTls } from './target.js';

/** The options of a client of the target. */
export function clientTlsOf(tls: TargetTls): ResolvedClientTls {
  return clientTlsOptions(tls, 'tls');
}

/** What TLS connections to the target are made with. */
export function contextOf(tls: TargetTls): SecureContext {
  return readClientContext(clientTlsOf(tls));
}

/** @throws {@link UsageError} if there are files that cannot be used. */
export function checkFiles(tls: TargetTls): void {
  try {
    contextOf(tls);
  } catch (error) {
    throw error instanceof ZmqException ? new UsageError(`--ca, --cert or --key: ${error.message}`) : error;
  }
}
