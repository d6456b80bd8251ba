import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { invalid } from '../options/fields.js';
import { isZ85Key, Z85_ALPHABET } from '../options/z85.js';

const KEY_BYTES = 32;

/** What stands before the 32 bytes of a raw X25519 key in DER (RFC 8410), the form that node:crypto takes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/**
 * The 32 bytes of a CURVE key, public or secret, given as 40 characters of Z85.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` for any other text, without showing it.
 */
export function decodeKey(z85: string): Buffer {
  if (!isZ85Key(z85)) {
    throw invalid('A CURVE key must be 40 characters of Z85.');
  }
  const bytes = Buffer.alloc(KEY_BYTES);
  for (let group = 0; group < KEY_BYTES / 4; group++) {
    const digits = Array.from(z85.slice(group * 5, group * 5 + 5), digit => Z85_ALPHABET.indexOf(digit));
    bytes.writeUInt32BE(
      digits.reduce((value, digit) => value * 85 + digit, 0),
      group * 4,
    );
  }
  return bytes;
}

/**
 * A CURVE key as 40 characters of Z85.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` unless there are 32 bytes.
 */
export function encodeKey(bytes: Uint8Array): string {
  if (bytes.length !== KEY_BYTES) {
    throw invalid(`A CURVE key must have ${KEY_BYTES} bytes, but has ${bytes.length}.`);
  }
  const { buffer, byteOffset, byteLength } = bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  let text = '';
  for (let offset = 0; offset < KEY_BYTES; offset += 4) {
    const value = view.getUint32(offset);
    for (let divisor = 85 ** 4; divisor >= 1; divisor /= 85) {
      text += Z85_ALPHABET.charAt(Math.floor(value / divisor) % 85);
    }
  }
  return text;
}

/** The public key that belongs to a secret key; both are Z85. */
export function publicKeyOf(secretKey: string): string {
  return encodeKey(rawPublicKey(createPublicKey(privateKey(secretKey))));
}

/**
 * What the owner of either secret key can compute, and nobody else (X25519); both keys are Z85.
 *
 * @returns 32 bytes; `undefined` for a public key of low order, with which anybody could compute it.
 */
export function agreedSecret({ secretKey, publicKey }: { secretKey: string; publicKey: string }): Buffer | undefined {
  const keys = { privateKey: privateKey(secretKey), publicKey: publicKeyObject(publicKey) };
  try {
    // OpenSSL refuses a result that is all zeros, as RFC 7748 asks for.
    return diffieHellman(keys);
  } catch {
    return undefined;
  }
}

function privateKey(z85: string): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, decodeKey(z85)]), format: 'der', type: 'pkcs8' });
}

function publicKeyObject(z85: string): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, decodeKey(z85)]), format: 'der', type: 'spki' });
}

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}
