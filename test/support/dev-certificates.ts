import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDevCertificates, type DevCertificates } from '../../lib/cli/keygen/dev-certificates.js';
import { serverTlsOptions, type ResolvedServerTls, type ZmqServerTlsOptions } from '../../lib/options/tls-options.js';

/** Certificates of an authority of the test's own, in a directory that goes when `remove` is called. */
export interface TestCertificates extends DevCertificates {
  readonly dir: string;
  readonly remove: () => void;
}

export async function makeCertificates(...names: readonly string[]): Promise<TestCertificates> {
  const dir = mkdtempSync(join(tmpdir(), 'zmq-test-tls-'));
  const made = await createDevCertificates({ dir, clients: names.map(name => ({ name })) });
  return { ...made, dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** TLS of a listener with these certificates. */
export function serverTls({ server }: DevCertificates, options: ZmqServerTlsOptions = {}): ResolvedServerTls {
  const given = { certFile: server.cert, keyFile: server.key, reloadInterval: 0, ...options };
  return serverTlsOptions(given, 'tls') as ResolvedServerTls;
}
