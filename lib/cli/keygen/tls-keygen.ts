import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CliIo } from '../cli-io.js';
import { FLAG, numberFlag, parseFlags, TEXT } from '../parse-flags.js';
import { UsageError } from '../usage-error.js';
import {
  createDevCertificates,
  DEFAULT_DAYS,
  DEFAULT_HOSTS,
  MAX_DAYS,
  type DevCertificates,
  type DevClient,
} from './dev-certificates.js';
import { alreadyThere } from './key-file.js';

const MANY = { ...TEXT, multiple: true } as const;
const FLAGS = { out: TEXT, host: MANY, client: MANY, days: TEXT, force: FLAG, json: FLAG };

/**
 * `nestjs-zeromq keygen tls-dev`: certificates for development, in a directory.
 *
 * @throws {@link UsageError} that names the flag.
 */
export async function runTlsDev(args: readonly string[], io: CliIo): Promise<void> {
  const { out: dir, host, client = [], days, force, json } = parseFlags(args, FLAGS);
  if (dir === undefined) {
    throw new UsageError('--out is missing: the directory for the certificates.');
  }
  if (host !== undefined && !force && existsSync(join(dir, 'server.pem'))) {
    // Other hosts would take a new certificate; to keep the old one would leave them out without a word.
    throw alreadyThere(join(dir, 'server.pem'));
  }
  const made = await createDevCertificates({
    dir,
    hosts: host?.flatMap(list => list.split(',')) ?? DEFAULT_HOSTS,
    clients: client.map(clientOf),
    days: numberFlag(days, 'days', { min: 1, max: MAX_DAYS, whole: true }) ?? DEFAULT_DAYS,
    force,
  });
  io.out(json ? JSON.stringify(made) : linesOf(made));
}

function clientOf(text: string): DevClient {
  const [, name = '', role] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  return role === undefined ? { name } : { name, role };
}

function linesOf({ ca, server, clients, kept }: DevCertificates): string {
  const line = (file: string, what: string) =>
    `${file}  ${what}${kept.includes(file) ? '; was there and holds, --force makes a new one' : ''}`;
  return [
    `${ca}  tls.caFile of clients, and of servers that ask for clients' certificates`,
    line(server.cert, 'tls.certFile of servers'),
    `${server.key}  tls.keyFile of servers`,
    ...Object.entries(clients).flatMap(([name, { cert, key }]) => [
      line(cert, `tls.certFile of client ${name}`),
      `${key}  tls.keyFile of client ${name}`,
    ]),
    'For development only: whoever has ca.key can be anybody.',
  ].join('\n');
}
