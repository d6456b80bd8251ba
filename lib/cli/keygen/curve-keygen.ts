import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCurveKeyPair } from '../../socket/curve-key-pair.js';
import type { CliIo } from '../cli-io.js';
import { FLAG, parseFlags, TEXT } from '../parse-flags.js';
import { UsageError } from '../usage-error.js';
import { alreadyThere, PUBLIC, SECRET, writeKeyFile } from './key-file.js';

const FLAGS = { out: TEXT, name: { ...TEXT, default: 'server' }, force: FLAG, json: FLAG };

/**
 * `nestjs-zeromq keygen curve`: a pair of CURVE keys, printed or in two files.
 *
 * @throws {@link UsageError} that names the flag.
 */
export function runCurve(args: readonly string[], io: CliIo): void {
  const { out, name, force, json } = parseFlags(args, FLAGS);
  if (!/^[\w][\w.-]{0,63}$/.test(name)) {
    throw new UsageError(`--name must be 1 to 64 letters, digits, dots and hyphens, but is '${name}'.`);
  }
  const { publicKey, secretKey } = createCurveKeyPair();
  if (out === undefined) {
    io.out(json ? JSON.stringify({ publicKey, secretKey }) : keyLines(publicKey, secretKey));
    return;
  }
  const files = { secretKeyFile: join(out, `${name}.key`), publicKeyFile: join(out, `${name}.pub`) };
  // Both before either, so that a pair never ends up half old and half new.
  const existing = Object.values(files).find(file => existsSync(file));
  if (existing !== undefined && !force) {
    throw alreadyThere(existing);
  }
  mkdirSync(out, { recursive: true });
  writeKeyFile(files.secretKeyFile, `${secretKey}\n`, { mode: SECRET, force });
  writeKeyFile(files.publicKeyFile, `${publicKey}\n`, { mode: PUBLIC, force });
  io.out(json ? JSON.stringify({ publicKey, ...files }) : fileLines(files, publicKey));
}

function keyLines(publicKey: string, secretKey: string): string {
  return [
    `public key  ${publicKey}  a server's: curve.serverKey of its clients; a client's: curveKey of an identity`,
    `secret key  ${secretKey}  curve.secretKey of whoever owns the pair, and nowhere else`,
  ].join('\n');
}

function fileLines(files: { secretKeyFile: string; publicKeyFile: string }, publicKey: string): string {
  return [
    `${files.secretKeyFile}  secret: curve.secretKeyFile of whoever owns the pair`,
    `${files.publicKeyFile}  public: ${publicKey}`,
  ].join('\n');
}
