import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { ZmqException } from '../errors/zmq.exception.js';
import { invalid } from '../options/fields.js';
import { Secret } from '../options/secret.js';
import type { Source } from '../options/source.js';
import { isZ85Key } from '../options/z85.js';

const MAX_BYTES = 4 * 1024 ** 2;

/** Bits of a mode: what group and others may do, and of these what they may not do with a file that root owns. */
const GROUP_AND_OTHERS = 0o077;
const BEYOND_GROUP_READ = 0o037;

/**
 * The text of a file that holds a secret, up to 4 MiB. As PostgreSQL has it, the file must belong to the user that the
 * process runs as, or to root, and nobody else may have any rights to it; one that root owns may be read by its group, so
 * that several services can share it. Windows has no such modes, and nothing is checked there.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` with the path and what is wrong, never with what the file says.
 */
export function readKeyFile(path: string): string {
  return read(path, stats => refuseExposed(path, stats));
}

/**
 * The text of a file that everybody may read, such as a certificate, up to 4 MiB.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` with the path and what is wrong
 */
export function readPublicFile(path: string): string {
  return read(path, () => undefined);
}

/**
 * The text itself, or that of its file.
 *
 * @param isSecret whether the file must be kept from others, as for {@link readKeyFile}
 * @throws {@link ZmqException} `INVALID_OPTIONS`
 */
export function readSource(source: Source, isSecret: boolean): string {
  if (source.file === undefined) {
    return source.value.reveal();
  }
  return isSecret ? readKeyFile(source.file) : readPublicFile(source.file);
}

/**
 * A secret CURVE key, 40 characters of Z85. Its file may have blanks and line ends around it.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS`, without what was found instead of a key
 */
export function readCurveKey(source: Source): Secret<string> {
  const key = readSource(source, true).trim();
  if (!isZ85Key(key)) {
    throw invalid(`${source.file ?? 'The secret key'} must be a CURVE key as 40 characters of Z85, and nothing else.`);
  }
  return new Secret(key);
}

function read(path: string, check: (stats: Stats) => void): string {
  let file: number | undefined;
  try {
    // A pipe without a writer would hold up the process for ever.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    // Of the open file: one that is looked at by its name can be another one when it is read.
    const stats = fstatSync(file);
    if (!stats.isFile()) {
      throw invalid(`${path} is no file.`);
    }
    check(stats);
    if (stats.size > MAX_BYTES) {
      throw invalid(`${path} has ${stats.size} bytes, which is more than any key or certificate (${MAX_BYTES}).`);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ZmqException) {
      throw error;
    }
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new ZmqException('INVALID_OPTIONS', `${path} cannot be read (${code}).`, { cause: error });
  } finally {
    if (file !== undefined) {
      closeSync(file);
    }
  }
}

function refuseExposed(path: string, { uid, mode }: Pick<Stats, 'uid' | 'mode'>): void {
  const user = process.geteuid?.();
  if (user === undefined) {
    return;
  }
  if (uid !== user && uid !== 0) {
    throw invalid(`${path} holds a secret and belongs to user ${uid}; it must belong to user ${user} or to root.`);
  }
  if ((mode & (uid === 0 ? BEYOND_GROUP_READ : GROUP_AND_OTHERS)) !== 0) {
    const text = (mode & 0o777).toString(8).padStart(4, '0');
    const remedy = uid === 0 ? 'chmod 600, or 640 for a group that shares it' : 'chmod 600';
    throw invalid(`${path} holds a secret, but others have rights to it (mode ${text}). Take them away: ${remedy}.`);
  }
}
