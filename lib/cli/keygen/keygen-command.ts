import { randomBytes } from 'node:crypto';
import { ZmqException } from '../../errors/zmq.exception.js';
import { hashPassword } from '../../security/password-hashing.js';
import type { CliIo } from '../cli-io.js';
import { parseFlags } from '../parse-flags.js';
import { UsageError } from '../usage-error.js';
import { runCurve } from './curve-keygen.js';
import { keygenHelp } from './keygen-help.js';
import { readPassword, type PasswordSource } from './password-input.js';
import { runTlsDev } from './tls-keygen.js';

const SIGNING_KEY_BYTES = 32;

type Generator = (args: readonly string[], io: CliIo, input: PasswordSource) => void | Promise<void>;

const GENERATORS: Readonly<Record<string, Generator>> = {
  curve: runCurve,
  'tls-dev': runTlsDev,
  'plain-hash': runPlainHash,
  'signing-key': (args, io) => {
    parseFlags(args, {});
    io.out(randomBytes(SIGNING_KEY_BYTES).toString('base64url'));
  },
};

/**
 * `nestjs-zeromq keygen`: makes keys, certificates and hashes of passwords.
 *
 * @param input Where a password is read from.
 * @throws {@link UsageError} that names what is wrong.
 */
export async function runKeygen(
  args: readonly string[],
  io: CliIo,
  input: PasswordSource = process.stdin,
): Promise<number> {
  const [what, ...rest] = args;
  if (args.includes('--help') || args.includes('-h')) {
    io.out(keygenHelp());
    return 0;
  }
  const generator = what !== undefined && Object.hasOwn(GENERATORS, what) ? GENERATORS[what] : undefined;
  if (generator === undefined) {
    const known = Object.keys(GENERATORS).join(', ');
    throw new UsageError(`keygen makes ${known}, ${what === undefined ? 'of which one is missing' : `not '${what}'`}.`);
  }
  try {
    await generator(rest, io, input);
    return 0;
  } catch (error) {
    if (error instanceof ZmqException) {
      io.err(error.message);
      return 1;
    }
    throw error;
  }
}

async function runPlainHash(args: readonly string[], io: CliIo, input: PasswordSource): Promise<void> {
  if (args.length > 0) {
    // Not even by its own words: they may be the password.
    throw new UsageError('plain-hash takes no arguments: the password comes from standard input.');
  }
  io.out(await hashPassword(await readPassword(input, io)));
}
