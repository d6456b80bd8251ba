import { createRequire } from 'node:module';
import { ZmqException } from '../errors/zmq.exception.js';

/**
 * Checks that an optional package is installed where Nest will load it from: Nest itself ends the process if it is not.
 *
 * @param user Who needs it, for the message.
 * @param nest A file of `@nestjs/common`; `undefined` in a bundle, in which nothing can be looked up.
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the package.
 */
export function requirePackage(name: string, user: string, nest: string | undefined = nestLocation()): void {
  if (nest === undefined) {
    return;
  }
  try {
    createRequire(nest).resolve(name);
  } catch (cause) {
    // Any other failure means that the package is there, but may be imported in another way only.
    if ((cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') {
      throw new ZmqException('INVALID_OPTIONS', `${user} needs the package "${name}": npm install ${name}`, { cause });
    }
  }
}

function nestLocation(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('@nestjs/common');
  } catch {
    return undefined;
  }
}
