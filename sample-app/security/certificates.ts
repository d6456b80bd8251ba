import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { IDENTITIES, type IdentityName } from './identities.js';

/** Paths, as options of TLS name them. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * Makes the certificates of the service and of all its clients with the library's own program, but for those that are
 * there and hold, and says so.
 *
 * @throws Error with what the program says is wrong
 */
export async function makeCertificates(dir: string): Promise<void> {
  const clients = Object.keys(IDENTITIES).flatMap(name => ['--client', name]);
  const keygen = ['keygen', 'tls-dev', '--out', dir, '--json', ...clients];
  const { stdout } = await promisify(execFile)(process.execPath, [programFile(), ...keygen]).catch(
    (error: Error & { readonly stderr?: string }) => {
      throw new Error(error.stderr?.trim() || error.message, { cause: error });
    },
  );
  const { kept } = JSON.parse(stdout) as { readonly kept: readonly string[] };
  // The server has one as well.
  const made = Object.keys(IDENTITIES).length + 1 - kept.length;
  console.log(`certificates in ${dir}: ${made} made by nestjs-zeromq keygen tls-dev, ${kept.length} were there`);
}

/** Who signs the certificates of servers and clients. */
export function authorityFile(dir: string): string {
  return join(dir, 'ca.pem');
}

export function serverFiles(dir: string): CertificateFiles {
  return { certFile: join(dir, 'server.pem'), keyFile: join(dir, 'server.key') };
}

export function clientFiles(dir: string, name: IdentityName): CertificateFiles {
  return { certFile: join(dir, `client-${name}.pem`), keyFile: join(dir, `client-${name}.key`) };
}

/** @throws Error if no service has made any yet */
export function assertCertificates(dir: string): void {
  if (!existsSync(authorityFile(dir))) {
    throw new Error(`There are no certificates in ${dir}: a service that is started with --secure makes them`);
  }
}

/** The program `nestjs-zeromq`, as a package manager would find it. */
function programFile(): string {
  const manifest = createRequire(import.meta.url).resolve('nestjs-zeromq/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly bin: Readonly<Record<string, string>> };
  return join(manifest, '..', bin['nestjs-zeromq'] ?? '');
}
