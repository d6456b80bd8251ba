import { rmSync, writeFileSync } from 'node:fs';
import { UsageError } from '../usage-error.js';

/** Readable by its owner alone. */
export const SECRET = 0o600;
export const PUBLIC = 0o644;

/**
 * Writes a file that is not there yet, and with `force` one in place of it: a new file, so that neither its mode nor
 * whoever has it open matters. What is not finished is never read by others, as the mode is there from the start.
 *
 * @throws {@link UsageError} if there is one already.
 */
export function writeKeyFile(file: string, text: string, { mode, force }: { mode: number; force: boolean }): void {
  if (force) {
    rmSync(file, { force: true });
  }
  try {
    writeFileSync(file, text, { mode, flag: 'wx' });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? alreadyThere(file) : error;
  }
}

export function alreadyThere(file: string): UsageError {
  return new UsageError(`${file} is already there; --force overwrites it.`);
}
