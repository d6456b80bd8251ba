import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { invalid } from '../options/fields.js';
import type { Secret } from '../options/secret.js';
import { isZ85Key } from '../options/z85.js';
import { base64urlBytes, u64 } from './binary-fields.js';
import { agreedSecret, decodeKey, publicKeyOf } from './curve-keys.js';
import { NonceMemory } from './nonce-memory.js';

const LABEL = 'nestjs-zeromq key proof 1';
const NONCE_BYTES = 16;
const MAC_BYTES = 32;

/** Shows, for one connection, that whoever made it has the secret key that belongs to a public one. */
export interface KeyProof {
  /** The client's public key, 40 characters of Z85. */
  readonly key: string;
  /** When it was made: milliseconds since 1970. */
  readonly time: number;
  /** 16 bytes in base64url, never the same twice. */
  readonly nonce: string;
  /** 32 bytes in base64url. */
  readonly mac: string;
}

/**
 * Makes a proof that only the owner of `serverKey` can check. Nobody else could have made it but that owner.
 *
 * @param options `secretKey`: the client's, Z85; `serverKey`: the server's public key, Z85; `connectionId`: at most 65,535
 * bytes that both ends know the connection by; `now`: milliseconds since 1970; `nonce`: 16 bytes, random by default.
 * @throws {@link ZmqException} `INVALID_OPTIONS` if a key is none, or the server's is of low order.
 */
export function createKeyProof(options: {
  secretKey: string;
  serverKey: string;
  connectionId: Uint8Array;
  now: number;
  nonce?: Buffer;
}): KeyProof {
  const { secretKey, serverKey, connectionId, now: time, nonce = randomBytes(NONCE_BYTES) } = options;
  const key = publicKeyOf(secretKey);
  const macKey = macKeyOf({ secretKey, publicKey: serverKey, serverKey, clientKey: key });
  if (macKey === undefined) {
    throw invalid('A server key of low order proves nothing.');
  }
  const mac = macOf(macKey, { connectionId, time, nonce });
  return { key, time, nonce: nonce.toString('base64url'), mac: mac.toString('base64url') };
}

/** `busy`: so many proofs have come in the window that their nonces cannot be remembered. */
export type KeyProofFailure = 'malformed' | 'expired' | 'replayed' | 'wrong' | 'busy';
export type KeyProofVerdict =
  { readonly ok: true; readonly publicKey: string } | { readonly ok: false; readonly failure: KeyProofFailure };

/** Checks the proofs that come to one server. Each is good for one connection, once, and near the time it was made. */
export class KeyProofs {
  private readonly secretKey: Secret<string>;
  private readonly serverKey: string;
  private readonly nonces: NonceMemory;

  /**
   * @param options `secretKey`: the server's, Z85; `windowMs`: how far a proof's time may be from `now`, by default
   * 60,000; `maxNonces`: proofs in such a window, by default 100,000; `now`: the wall clock.
   */
  constructor(options: { secretKey: Secret<string>; windowMs?: number; maxNonces?: number; now: () => number }) {
    const { secretKey, windowMs = 60_000, maxNonces = 100_000, now } = options;
    this.secretKey = secretKey;
    this.serverKey = publicKeyOf(secretKey.reveal());
    this.nonces = new NonceMemory({ windowMs, maxNonces, now });
  }

  /** @param proof As it came: any JSON value. */
  verify(proof: unknown, connectionId: Uint8Array): KeyProofVerdict {
    const parsed = parseProof(proof);
    if (parsed === undefined) {
      return { ok: false, failure: 'malformed' };
    }
    const { key, time, nonce, mac } = parsed;
    if (!this.nonces.isTimely(time)) {
      return { ok: false, failure: 'expired' };
    }
    const { serverKey } = this;
    const macKey = macKeyOf({ secretKey: this.secretKey.reveal(), publicKey: key, serverKey, clientKey: key });
    if (macKey === undefined || !timingSafeEqual(mac, macOf(macKey, { connectionId, time, nonce }))) {
      return { ok: false, failure: 'wrong' };
    }
    // Only now: nonces that come with a wrong proof would fill the memory at no cost.
    const use = this.nonces.use(`${key}${nonce.toString('base64url')}`, time);
    return use === 'fresh' ? { ok: true, publicKey: key } : { ok: false, failure: use };
  }
}

interface ParsedProof {
  readonly key: string;
  readonly time: number;
  readonly nonce: Buffer;
  readonly mac: Buffer;
}

function parseProof(proof: unknown): ParsedProof | undefined {
  if (typeof proof !== 'object' || proof === null) {
    return undefined;
  }
  const { key, time, nonce: nonceText, mac: macText } = proof as Partial<Record<keyof KeyProof, unknown>>;
  const nonce = base64urlBytes(nonceText, NONCE_BYTES);
  const mac = base64urlBytes(macText, MAC_BYTES);
  const isWhole = typeof key === 'string' && isZ85Key(key) && typeof time === 'number' && Number.isSafeInteger(time);
  return isWhole && time >= 0 && nonce !== undefined && mac !== undefined ? { key, time, nonce, mac } : undefined;
}

function macKeyOf(keys: {
  secretKey: string;
  publicKey: string;
  serverKey: string;
  clientKey: string;
}): Buffer | undefined {
  const { secretKey, publicKey, serverKey, clientKey } = keys;
  const agreed = agreedSecret({ secretKey, publicKey });
  if (agreed === undefined) {
    return undefined;
  }
  const salt = Buffer.concat([decodeKey(serverKey), decodeKey(clientKey)]);
  return Buffer.from(hkdfSync('sha256', agreed, salt, LABEL, MAC_BYTES));
}

function macOf(macKey: Buffer, proof: { connectionId: Uint8Array; time: number; nonce: Buffer }): Buffer {
  const { connectionId, time, nonce } = proof;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(connectionId.length);
  return createHmac('sha256', macKey)
    .update(Buffer.concat([Buffer.from(`${LABEL}\0`), length, connectionId, u64(time), nonce]))
    .digest();
}
