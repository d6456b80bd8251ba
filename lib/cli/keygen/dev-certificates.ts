import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { JsonGeneralNames } from '@peculiar/x509';
import { describe } from '../../options/bytes.js';
import { invalid } from '../../options/fields.js';
import { DevAuthority, type Issue } from './dev-authority.js';
import { PUBLIC, writeKeyFile } from './key-file.js';
import { loadX509 } from './x509.js';

export const DEFAULT_HOSTS = ['localhost', '127.0.0.1', '::1'] as const;
export const DEFAULT_DAYS = 30;
export const MAX_DAYS = 3_650;

export interface DevClient {
  /** Its common name, 1 to 64 letters, digits and `_ . @ -`. */
  readonly name: string;
  /** Its organizational unit. */
  readonly role?: string;
}

export interface DevCertificateOptions {
  /** Made if it is not there. */
  readonly dir: string;
  /** Names and addresses that clients may call the server by. @defaultValue `localhost`, `127.0.0.1`, `::1` */
  readonly hosts?: readonly string[];
  readonly clients?: readonly DevClient[];
  /** For how long the certificates hold, 1 to 3,650. The authority's own holds for a year at least. @defaultValue 30 */
  readonly days?: number;
  /** Makes new ones even where there are some that hold. */
  readonly force?: boolean;
}

/** Paths of a certificate and its key, both PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface DevCertificates {
  /** Path of the authority's certificate. */
  readonly ca: string;
  readonly server: CertificateFiles;
  /** By the names of the clients that were asked for. */
  readonly clients: Readonly<Record<string, CertificateFiles>>;
  /** Certificates that were there already and still hold. */
  readonly kept: readonly string[];
}

/**
 * Certificates for development and tests, signed by an authority that lives in the same directory. Those that are there
 * and hold are kept, so that this can be called at each start.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names what is wrong, or the package that is missing.
 */
export async function createDevCertificates(options: DevCertificateOptions): Promise<DevCertificates> {
  const { dir, hosts = DEFAULT_HOSTS, clients = [], days = DEFAULT_DAYS, force = false } = options;
  const serverNames = hosts.map(alternativeName);
  const issues = [
    { ...filesIn(dir, 'server'), subject: [{ CN: ['nestjs-zeromq development server'] }], names: serverNames, days },
    ...clients.map(client => ({
      ...filesIn(dir, `client-${client.name}`),
      subject: subjectOf(client),
      names: [],
      days,
    })),
  ];
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw invalid(`days must be a whole number from 1 to ${MAX_DAYS}, but is ${describe(days)}.`);
  }
  const x509 = await loadX509();
  mkdirSync(dir, { recursive: true });
  const authority = await DevAuthority.open(x509, { dir, days });
  const kept: string[] = [];
  for (const [index, issue] of issues.entries()) {
    if (!force && authority.hasIssued(issue)) {
      kept.push(issue.cert);
    } else {
      await authority.issue({ ...issue, usage: index === 0 ? 'server' : 'client' });
    }
  }
  return {
    ca: join(dir, 'ca.pem'),
    server: filesIn(dir, 'server'),
    clients: Object.fromEntries(clients.map(({ name }) => [name, filesIn(dir, `client-${name}`)])),
    kept,
  };
}

/**
 * Writes `crl.pem` into the directory: the list of certificates of its authority that no longer hold.
 *
 * @param options `revoke`: paths of all of them; each call makes a whole new list.
 * @returns Path of the list.
 * @throws {@link ZmqException} `INVALID_OPTIONS` if the package is missing, or half of the authority.
 */
export async function createDevCrl(options: {
  dir: string;
  revoke: readonly string[];
  days?: number;
}): Promise<string> {
  const { dir, revoke, days = DEFAULT_DAYS } = options;
  const authority = await DevAuthority.open(await loadX509(), { dir, days });
  const serialNumbers = revoke.map(cert => new X509Certificate(readFileSync(cert)).serialNumber);
  const file = join(dir, 'crl.pem');
  writeKeyFile(file, await authority.revocationList(serialNumbers, days), { mode: PUBLIC, force: true });
  return file;
}

function filesIn(dir: string, name: string): CertificateFiles {
  return { cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) };
}

function subjectOf({ name, role }: DevClient): Issue['subject'] {
  // It becomes the name of a file, too.
  if (!/^[A-Za-z0-9_][\w.@-]{0,63}$/.test(name)) {
    throw invalid(`The name of a client must be 1 to 64 letters, digits and _ . @ -, but is ${describe(name)}.`);
  }
  if (role !== undefined && !/^[\w.:-]{1,64}$/.test(role)) {
    throw invalid(`The role of client ${name} must be 1 to 64 letters, digits and _ . : -, but is ${describe(role)}.`);
  }
  return [{ CN: [name] }, ...(role === undefined ? [] : [{ OU: [role] }])];
}

function alternativeName(host: string): JsonGeneralNames[number] {
  if (isIP(host) !== 0) {
    return { type: 'ip', value: host };
  }
  if (!/^(?=.{1,253}$)(\*\.)?[a-z\d_-]{1,63}(\.[a-z\d_-]{1,63})*$/i.test(host)) {
    throw invalid(`A host must be a name or an address, but is ${describe(host)}.`);
  }
  return { type: 'dns', value: host };
}
