import { webcrypto, type KeyObject } from 'node:crypto';
import { invalid } from '../../options/fields.js';

export type X509 = typeof import('@peculiar/x509');

const PACKAGE = '@peculiar/x509';

/** What P-256 keys sign with. */
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * The optional package that writes certificates, which node:crypto can only read.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the package if it is not installed.
 */
export async function loadX509(load: () => Promise<X509> = () => import('@peculiar/x509')): Promise<X509> {
  try {
    // The package keeps its parts by metadata of classes, and expects this to be there.
    await import('reflect-metadata');
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') {
      throw invalid(`keygen tls-dev needs the package "${PACKAGE}": npm install --save-dev ${PACKAGE}`);
    }
    throw cause;
  }
}

/** The same key in the form that the package takes. */
export function toCryptoKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const isPrivate = key.type === 'private';
  const format = isPrivate ? 'pkcs8' : 'spki';
  const der = key.export({ format: 'der', type: format } as { format: 'der'; type: 'pkcs8' });
  return webcrypto.subtle.importKey(format, der, ALGORITHM, true, [isPrivate ? 'sign' : 'verify']);
}
