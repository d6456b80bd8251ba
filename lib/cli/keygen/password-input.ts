import { createInterface } from 'node:readline/promises';
import { Writable, type Readable } from 'node:stream';
import type { CliIo } from '../cli-io.js';
import { UsageError } from '../usage-error.js';

/** Longest password that PLAIN can carry (ZeroMQ RFC 24). */
const MAX_BYTES = 255;

export type PasswordSource = Readable & { readonly isTTY?: boolean };

/**
 * Reads a password: typed twice and not shown, or from a pipe as it is, without the line end behind it.
 *
 * @throws {@link UsageError} if there is none, if it is too long for PLAIN, or if it was typed in two ways.
 */
export async function readPassword(input: PasswordSource, io: CliIo): Promise<string> {
  const password = input.isTTY === true ? await typed(input, io) : await piped(input);
  if (password === '') {
    throw new UsageError('A password is missing: give it on standard input.');
  }
  if (Buffer.byteLength(password) > MAX_BYTES) {
    throw new UsageError(`A password may have at most ${MAX_BYTES} bytes.`);
  }
  return password;
}

async function typed(input: PasswordSource, io: CliIo): Promise<string> {
  // What readline would show of each key goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output, terminal: true });
  const end = new AbortController();
  // Ctrl-C and Ctrl-D: without this the question would never be answered.
  lines.on('SIGINT', () => end.abort()).on('close', () => end.abort());
  const signal = AbortSignal.any([io.signal, end.signal]);
  const ask = async (what: string) => {
    io.err(what);
    return lines.question('', { signal }).catch(() => '');
  };
  try {
    const password = await ask('Password, which is not shown:');
    if (password !== '' && (await ask('The same again:')) !== password) {
      throw new UsageError('The passwords differ.');
    }
    return password;
  } finally {
    lines.close();
  }
}

async function piped(input: PasswordSource): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const part = Buffer.from(chunk as string | Uint8Array);
    chunks.push(part);
    bytes += part.length;
    if (bytes > MAX_BYTES + 2) {
      // Enough to tell that it is too long.
      break;
    }
  }
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
}
