import { invalid } from './fields.js';
import { Secret } from './secret.js';

/** A password as it is kept: its hash by scrypt (RFC 7914), the salt and the cost that it was made with. */
export interface PasswordHash {
  /** Binary logarithm of scrypt's N, 14 to 20. */
  readonly logCost: number;
  /** scrypt's r, 8 to 32. One hash takes `128 · 2^logCost · blockSize` bytes of memory, at most 256 MB. */
  readonly blockSize: number;
  /** scrypt's p, 1 to 16. */
  readonly parallelization: number;
  /** 16 to 64 bytes. */
  readonly salt: Secret<Buffer>;
  /** 32 to 64 bytes. */
  readonly hash: Secret<Buffer>;
}

const PHC = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;
const MAX_MEMORY = 256 * 1024 ** 2;

/**
 * Reads the PHC text of a password's hash, `$scrypt$ln=15,r=8,p=1$<salt>$<hash>` with both in base64 without padding.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names `option` and never shows the text
 */
export function parsePasswordHash(value: unknown, option: string): PasswordHash {
  const match = typeof value === 'string' ? PHC.exec(value) : null;
  if (match === null) {
    throw invalid(
      `${option} must be a hash such as $scrypt$ln=15,r=8,p=1$<salt>$<hash>, with a salt of 16 to 64 bytes and a hash ` +
        'of 32 to 64 bytes in base64 without padding. What was given is not shown, as it may be a secret.',
    );
  }
  const [, logCost, blockSize, parallelization, salt = '', hash = ''] = match;
  const parsed = { logCost: Number(logCost), blockSize: Number(blockSize), parallelization: Number(parallelization) };
  checkCost(parsed, option);
  return Object.freeze({
    ...parsed,
    salt: new Secret(decode(salt, `The salt of ${option}`)),
    hash: new Secret(decode(hash, `The hash of ${option}`)),
  });
}

/** The PHC text of a hash, which `parsePasswordHash` reads back. It is as secret as the hash. */
export function formatPasswordHash({ logCost, blockSize, parallelization, salt, hash }: PasswordHash): string {
  return `$scrypt$ln=${logCost},r=${blockSize},p=${parallelization}$${encode(salt.reveal())}$${encode(hash.reveal())}`;
}

function checkCost(cost: Pick<PasswordHash, 'logCost' | 'blockSize' | 'parallelization'>, option: string): void {
  const { logCost, blockSize, parallelization } = cost;
  if (logCost < 14 || logCost > 20 || blockSize < 8 || blockSize > 32 || parallelization > 16) {
    throw invalid(
      `${option} must have a cost within ln 14 to 20, r 8 to 32 and p 1 to 16, ` +
        `but has ln=${logCost}, r=${blockSize}, p=${parallelization}.`,
    );
  }
  // Each connection that tries a password costs as much.
  const memory = 128 * 2 ** logCost * blockSize;
  if (memory > MAX_MEMORY) {
    throw invalid(
      `${option} must take at most ${MAX_MEMORY} bytes of memory (128 · 2^ln · r), but takes ${memory}: ` +
        'make it with a lower ln or r.',
    );
  }
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

function decode(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Bits to spare in the last character would make two texts of one hash.
  if (encode(bytes) !== text) {
    throw invalid(`${what} must be base64 without padding.`);
  }
  return bytes;
}
