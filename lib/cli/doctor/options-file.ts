import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ZmqServerOptions } from '../../options/server-options.js';
import { textOf } from '../../errors/text-of.js';
import { UsageError } from '../usage-error.js';

/**
 * The options of a server from a file, unchecked.
 *
 * @throws {@link UsageError} if the file cannot be read, or has none.
 */
export async function readServerOptions(file: string): Promise<ZmqServerOptions> {
  const options = await read(file);
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(
      `--options names ${file}, which has no object${extname(file) === '.json' ? '' : ' as its default export'}.`,
    );
  }
  return options;
}

async function read(file: string): Promise<unknown> {
  const kind = extname(file);
  try {
    switch (kind) {
      case '.json':
        return JSON.parse(await readFile(file, 'utf8'));
      case '.js':
      case '.mjs':
      case '.cjs':
        return ((await import(pathToFileURL(resolve(file)).href)) as { default?: unknown }).default;
    }
  } catch (error) {
    // A parser shows what it has stumbled over, which may be a key.
    const reason =
      error instanceof SyntaxError ? `it is no ${kind === '.json' ? 'JSON' : 'JavaScript'}` : textOf(error);
    throw new UsageError(`--options names ${file}, which cannot be read: ${reason}.`);
  }
  throw new UsageError(`--options must be a .json, .js, .mjs or .cjs file, but is ${file}.`);
}
