import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../options/secret.js';
import { base64urlBytes, lengthPrefixed, u32, u64 } from './binary-fields.js';
import { NonceMemory } from './nonce-memory.js';

const LABEL = 'nestjs-zeromq signature 1';
const NONCE_BYTES = 16;
const MAC_BYTES = 32;
const TOKEN = /^1\.([\w-]{1,1400})\.(0|[1-9]\d{0,14})\.([\w-]{22})\.([\w-]{43})$/;

/** What a signature vouches for: all of a request that says what is to be done. */
export interface SignedFields {
  /** Of the server that the request is meant for, as its welcome gives it. */
  readonly serverId: string;
  /** Kind of the packet: 3 for a request, 4 for an event. */
  readonly kind: number;
  readonly id: number;
  readonly timeoutMs: number;
  readonly pattern: string;
  /** JSON text of the metadata without the signature, `''` for none. */
  readonly metadata: string;
  /** Number of the payload's encoding. */
  readonly encoding: number;
  readonly payload: Uint8Array;
}

/** Signs requests by a key that their server has as well, so that what lies between them cannot change one. */
export class RequestSigner {
  private readonly name: string;
  private readonly key: Secret<Buffer>;
  private readonly now: () => number;

  /** @param options `name`: the identity that the key belongs to; `now`: the wall clock. */
  constructor(options: { name: string; key: Secret<Buffer>; now: () => number }) {
    this.name = options.name;
    this.key = options.key;
    this.now = options.now;
  }

  /** @returns `1.<name>.<time>.<nonce>.<mac>`; all but the time is base64url, the time is milliseconds since 1970. */
  sign(fields: SignedFields): string {
    const { name } = this;
    const stamp = { name, time: Math.floor(this.now()), nonce: randomBytes(NONCE_BYTES) };
    const mac = macOf(this.key, stamp, fields);
    const nameText = Buffer.from(name).toString('base64url');
    return `1.${nameText}.${stamp.time}.${stamp.nonce.toString('base64url')}.${mac.toString('base64url')}`;
  }
}

/** `unknown`: nobody of that name signs; `busy`: more signatures have come than can be remembered. */
export type SignatureFailure = 'malformed' | 'unknown' | 'expired' | 'replayed' | 'wrong' | 'busy';
export type SignatureVerdict =
  { readonly ok: true; readonly name: string } | { readonly ok: false; readonly failure: SignatureFailure };

/** Checks signatures. Each is good for one request, once, and near the time it was made. */
export class RequestSignatures {
  private readonly keysOf: (name: string) => readonly Secret<Buffer>[];
  private readonly nonces: NonceMemory;

  /**
   * @param options `keysOf`: keys of an identity, all of which hold; `windowMs`: how far a signature's time may be from
   * `now`, by default 30,000; `maxNonces`: signatures in such a window, by default 200,000; `now`: the wall clock.
   */
  constructor(options: {
    keysOf: (name: string) => readonly Secret<Buffer>[];
    windowMs?: number;
    maxNonces?: number;
    now: () => number;
  }) {
    const { keysOf, windowMs = 30_000, maxNonces = 200_000, now } = options;
    this.keysOf = keysOf;
    this.nonces = new NonceMemory({ windowMs, maxNonces, now });
  }

  verify(token: string, fields: SignedFields): SignatureVerdict {
    const parsed = parseToken(token);
    if (parsed === undefined) {
      return { ok: false, failure: 'malformed' };
    }
    const { name, time, nonce, mac } = parsed;
    if (!this.nonces.isTimely(time)) {
      return { ok: false, failure: 'expired' };
    }
    const keys = this.keysOf(name);
    if (keys.length === 0) {
      return { ok: false, failure: 'unknown' };
    }
    if (!keys.some(key => timingSafeEqual(mac, macOf(key, { name, time, nonce }, fields)))) {
      return { ok: false, failure: 'wrong' };
    }
    // Only now: nonces that come with a wrong signature would fill the memory at no cost.
    const use = this.nonces.use(`${nonce.toString('base64url')}${name}`, time);
    return use === 'fresh' ? { ok: true, name } : { ok: false, failure: use };
  }
}

interface Stamp {
  readonly name: string;
  readonly time: number;
  readonly nonce: Buffer;
}

function parseToken(token: string): (Stamp & { readonly mac: Buffer }) | undefined {
  const [, nameText = '', time = '', nonceText, macText] = TOKEN.exec(token) ?? [];
  const nonce = base64urlBytes(nonceText, NONCE_BYTES);
  const mac = base64urlBytes(macText, MAC_BYTES);
  return nonce === undefined || mac === undefined
    ? undefined
    : { name: Buffer.from(nameText, 'base64url').toString(), time: Number(time), nonce, mac };
}

function macOf(key: Secret<Buffer>, { name, time, nonce }: Stamp, fields: SignedFields): Buffer {
  const { serverId, kind, id, timeoutMs, pattern, metadata, encoding, payload } = fields;
  const head = lengthPrefixed([
    LABEL,
    serverId,
    name,
    u64(time),
    nonce,
    Buffer.of(kind),
    u32(id),
    u32(timeoutMs),
    pattern,
    // An empty object says no more than none does, and leaves no trace beside a signature.
    metadata === '{}' ? '' : metadata,
    Buffer.of(encoding),
    u32(payload.length),
  ]);
  return createHmac('sha256', key.reveal()).update(head).update(payload).digest();
}
