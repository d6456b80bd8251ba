import { parseIpAddress } from '../options/ip-address.js';
import type { ZmqCredentials } from '../options/authenticator.js';
import { encodeKey } from '../security/curve-keys.js';

/** What libzmq wants to know of us (ZAP, RFC 27): whether a connection may finish its handshake. */
export interface ZapRequest extends Pick<
  ZmqCredentials,
  'mechanism' | 'address' | 'username' | 'password' | 'publicKey'
> {
  readonly id: Buffer;
  readonly domain: string;
}

/**
 * 200 lets in. 300 is a refusal for now: the connection ends without a word, and libzmq's clients try again. 400 is a
 * refusal for good, after which they do not. 500 answers a request that cannot be read.
 */
export type ZapStatus = 200 | 300 | 400 | 500;

const VERSION = '1.0';
const MAX_FIELD_BYTES = 255;
const PUBLIC_KEY_BYTES = 32;
const HEADERS = 7;
const NOTHING = { username: undefined, password: undefined, publicKey: undefined };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a request, given without the frame that names its sender: an empty frame, version, request id, domain, address,
 * routing id, mechanism and credentials, each at most 255 bytes.
 *
 * @returns `undefined` for anything else
 */
export function parseZapRequest(frames: readonly Buffer[]): ZapRequest | undefined {
  const [empty, version, id, domain, address, , mechanism, ...shown] = frames;
  if (
    frames.length < HEADERS ||
    frames.some(frame => frame.length > MAX_FIELD_BYTES) ||
    empty?.length !== 0 ||
    version?.toString('latin1') !== VERSION ||
    id === undefined ||
    id.length === 0
  ) {
    return undefined;
  }
  const credentials = parseCredentials(mechanism?.toString('latin1'), shown);
  return (
    credentials && {
      id,
      domain: domain?.toString('latin1') ?? '',
      // The zone of a link-local address tells which interface of ours it came to, not who it is.
      address: parseIpAddress(address?.toString('latin1').replace(/%.*$/, '') ?? '')?.text,
      ...credentials,
    }
  );
}

/** @param userId at most 255 bytes of it are sent */
export function zapReply(id: Buffer, status: ZapStatus, userId: string): Buffer[] {
  const user = Buffer.from(userId).subarray(0, MAX_FIELD_BYTES);
  const text = status === 200 ? 'OK' : 'Refused';
  return [
    Buffer.alloc(0),
    Buffer.from(VERSION),
    id,
    Buffer.from(String(status)),
    Buffer.from(text),
    user,
    Buffer.alloc(0),
  ];
}

type Credentials = Omit<ZapRequest, 'id' | 'domain' | 'address'>;

function parseCredentials(mechanism: string | undefined, shown: readonly Buffer[]): Credentials | undefined {
  switch (mechanism) {
    case 'NULL':
      return shown.length === 0 ? { ...NOTHING, mechanism } : undefined;
    case 'PLAIN': {
      const [username, password] = shown.map(textOf);
      const isWhole = shown.length === 2 && username !== undefined && password !== undefined;
      return isWhole ? { ...NOTHING, mechanism, username, password } : undefined;
    }
    case 'CURVE': {
      const [key] = shown;
      const isWhole = shown.length === 1 && key?.length === PUBLIC_KEY_BYTES;
      return isWhole ? { ...NOTHING, mechanism, publicKey: encodeKey(key) } : undefined;
    }
    default:
      return undefined;
  }
}

/** Bytes that are no UTF-8 must not be taken for the replacement characters that they would become. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
