import { ZmtpRefusal, type ZmtpRefusalCode } from './refusal.js';

/** Bytes of the greeting that each side sends first. */
export const GREETING_BYTES = 64;

/** The security mechanisms that are spoken here. */
export type Mechanism = 'NULL' | 'PLAIN';

export interface Greeting {
  /** 3 or above: RFC 37 obliges to accept later versions, which then speak ours. */
  readonly major: number;
  readonly minor: number;
  /** As the peer wrote it; it has to be the same as ours, or the connection ends (RFC 37). */
  readonly mechanism: string;
  /** Not to be relied upon: libzmq leaves it `false` even where it is the server of PLAIN. */
  readonly asServer: boolean;
}

const SIGNATURE_FIRST = 0xff;
const SIGNATURE_LAST = 0x7f;
const MAJOR = 3;
const MINOR = 1;
/** A peer of ZMTP 1.0 without an identity begins with a frame of this length (RFC 37, Backwards Interoperability). */
const ANONYMOUS_ZMTP_1 = 0x01;

/** Where each field begins. */
const At = { SignatureLast: 9, Major: 10, Minor: 11, Mechanism: 12, AsServer: 32, Filler: 33 } as const;

/** The greeting of ZMTP 3.1 (RFC 37). */
export function encodeGreeting(options: { readonly mechanism: Mechanism; readonly asServer: boolean }): Buffer {
  const greeting = Buffer.alloc(GREETING_BYTES);
  greeting[0] = SIGNATURE_FIRST;
  greeting[At.SignatureLast] = SIGNATURE_LAST;
  greeting[At.Major] = MAJOR;
  greeting[At.Minor] = MINOR;
  greeting.write(options.mechanism, At.Mechanism, At.AsServer - At.Mechanism, 'latin1');
  greeting[At.AsServer] = options.asServer ? 1 : 0;
  return greeting;
}

/**
 * Judges the first `length` bytes of a greeting that have arrived in `bytes` (RFC 23 and RFC 37): a refusal as early as
 * it can be told, `undefined` while more is needed, the greeting once all 64 are there. How the bytes were split makes
 * no difference to the verdict.
 */
export function readGreeting(bytes: Uint8Array, length: number): Greeting | ZmtpRefusal | undefined {
  const known = Math.min(length, bytes.length, GREETING_BYTES);
  for (let at = 0; at < known; at += 1) {
    const code = judge(bytes, at);
    if (code !== undefined) {
      return new ZmtpRefusal(code);
    }
  }
  if (known < GREETING_BYTES) {
    return undefined;
  }
  return {
    major: bytes[At.Major] as number,
    minor: bytes[At.Minor] as number,
    mechanism: mechanismOf(bytes),
    asServer: bytes[At.AsServer] === 1,
  };
}

/** What is wrong with the byte at `at`, when all before it are right. */
function judge(bytes: Uint8Array, at: number): ZmtpRefusalCode | undefined {
  const byte = bytes[at] as number;
  if (at === 0) {
    return byte === SIGNATURE_FIRST ? undefined : byte === ANONYMOUS_ZMTP_1 ? 'old-version' : 'not-zmtp';
  }
  if (at < At.SignatureLast) {
    // Padding, which RFC 37 forbids to validate: libzmq puts the length of its identity here for peers of ZMTP 1.0.
    return undefined;
  }
  if (at === At.SignatureLast) {
    return byte === SIGNATURE_LAST ? undefined : 'not-zmtp';
  }
  if (at === At.Major) {
    return byte >= MAJOR ? undefined : 'old-version';
  }
  if (at === At.Minor) {
    return undefined;
  }
  if (at < At.AsServer) {
    return isMechanismByte(bytes, at) ? undefined : 'bad-greeting';
  }
  return byte <= (at === At.AsServer ? 1 : 0) ? undefined : 'bad-greeting';
}

/** A name of at least one character, and nothing but zeros behind it. */
function isMechanismByte(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at] as number;
  if (at === At.Mechanism) {
    return isMechanismCharacter(byte);
  }
  return byte === 0 || (bytes[at - 1] !== 0 && isMechanismCharacter(byte));
}

function isMechanismCharacter(byte: number): boolean {
  const isUpperCase = byte >= 0x41 && byte <= 0x5a;
  const isDigit = byte >= 0x30 && byte <= 0x39;
  // + - . _
  return isUpperCase || isDigit || byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x5f;
}

function mechanismOf(bytes: Uint8Array): string {
  let mechanism = '';
  for (let at: number = At.Mechanism; at < At.AsServer && bytes[at] !== 0; at += 1) {
    mechanism += String.fromCharCode(bytes[at] as number);
  }
  return mechanism;
}
