import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../../lib/cli/cli.js';
import { runKeygen } from '../../../../lib/cli/keygen/keygen-command.js';
import { parsePasswordHash } from '../../../../lib/options/password-hash.js';
import { publicKeyOf } from '../../../../lib/security/curve-keys.js';
import { PasswordVerifier } from '../../../../lib/security/passwords.js';
import { FakeIo } from '../../../support/attacks/fake-io.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zmq-keygen-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function run(...args: string[]) {
  const io = new FakeIo();
  return { code: await runCli(['keygen', ...args], io), stdout: io.stdout, stderr: io.stderr };
}

const modeOf = (file: string) => statSync(file).mode & 0o777;

describe('nestjs-zeromq keygen', () => {
  it('tells with --help what it makes', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const what of ['curve', 'tls-dev', 'plain-hash', 'signing-key']) {
      expect(stdout).toMatch(new RegExp(`^${what}\\b`, 'm'));
    }
  });

  it.each([[], ['rsa'], ['toString']])('refuses to guess what to make: %s', async (...args: string[]) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('keygen makes curve, tls-dev, plain-hash, signing-key');
  });

  it('makes another signing key of 32 bytes each time', async () => {
    const [one, other] = [await run('signing-key'), await run('signing-key')];
    expect(one).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[\w-]{43}$/) as string });
    expect(other.stdout).not.toBe(one.stdout);
  });
});

describe('nestjs-zeromq keygen curve', () => {
  it('prints a pair, each key with the place where it belongs', async () => {
    const { code, stdout } = await run('curve');
    const [, publicKey, secretKey = ''] = /^public key {2}(\S{40}) .*\nsecret key {2}(\S{40}) /.exec(stdout) ?? [];
    expect(code).toBe(0);
    expect(publicKeyOf(secretKey)).toBe(publicKey);
  });

  it('prints it as JSON', async () => {
    const { publicKey, secretKey } = JSON.parse((await run('curve', '--json')).stdout) as Record<string, string>;
    expect(publicKeyOf(secretKey ?? '')).toBe(publicKey);
  });

  it('writes it to two files, of which the secret one is readable by its owner alone, and prints no secret', async () => {
    const { stdout } = await run('curve', '--out', join(dir, 'new'), '--name', 'press-7');
    const [secretFile, publicFile] = [join(dir, 'new', 'press-7.key'), join(dir, 'new', 'press-7.pub')];
    const secretKey = readFileSync(secretFile, 'utf8').trim();
    expect(publicKeyOf(secretKey)).toBe(readFileSync(publicFile, 'utf8').trim());
    expect([modeOf(secretFile), modeOf(publicFile)]).toEqual([0o600, 0o644]);
    expect(stdout).not.toContain(secretKey);
  });

  it.each(['server.key', 'server.pub'])('does not overwrite %s, nor write the file beside it', async name => {
    writeFileSync(join(dir, name), 'mine');
    const { code, stderr } = await run('curve', '--out', dir);
    expect({ code, files: readdirSync(dir) }).toEqual({ code: 2, files: [name] });
    expect(stderr).toContain(`${join(dir, name)} is already there; --force overwrites it.`);
  });

  it('overwrites with --force, and corrects the mode', async () => {
    writeFileSync(join(dir, 'server.key'), 'mine', { mode: 0o644 });
    const { code, stdout } = await run('curve', '--out', dir, '--force', '--json');
    const { publicKey, secretKeyFile = '' } = JSON.parse(stdout) as Record<string, string>;
    expect({ code, mode: modeOf(secretKeyFile) }).toEqual({ code: 0, mode: 0o600 });
    expect(publicKeyOf(readFileSync(secretKeyFile, 'utf8').trim())).toBe(publicKey);
  });

  it('writes nowhere but into its directory', async () => {
    const { code, stderr } = await run('curve', '--out', dir, '--name', '../server');
    expect({ code, files: readdirSync(dir) }).toEqual({ code: 2, files: [] });
    expect(stderr).toContain('--name must be');
  });
});

describe('nestjs-zeromq keygen plain-hash', () => {
  async function hashOf(input: Readable) {
    const io = new FakeIo();
    const code = await runKeygen(['plain-hash'], io, input);
    return { code, stdout: io.stdout, stderr: io.stderr };
  }

  async function isHashOf(password: string, text: string): Promise<boolean> {
    const hashes = [parsePasswordHash(text, 'hash')];
    return (await new PasswordVerifier().verify({ name: 'a', password, hashes })) === 'right';
  }

  it.each([
    ['secret\n', 'secret'],
    ['se cret é\r\n', 'se cret é'],
    ['secret', 'secret'],
    ['two\nlines\n', 'two\nlines'],
  ])('hashes what is piped to it, without the line end: %j', async (piped, password) => {
    const { code, stdout } = await hashOf(Readable.from([Buffer.from(piped)]));
    expect(code).toBe(0);
    expect(await isHashOf(password, stdout)).toBe(true);
  });

  it('asks twice at a terminal and shows nothing of it', async () => {
    const { code, stdout, stderr } = await hashOf(terminal('secret\r', 'secret\r'));
    expect(code).toBe(0);
    expect(await isHashOf('secret', stdout)).toBe(true);
    expect(`${stdout}${stderr}`).not.toContain('secret');
  });

  it('refuses what was typed in two ways', async () => {
    await expect(hashOf(terminal('secret\r', 'secrte\r'))).rejects.toThrow('The passwords differ.');
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
    ['an empty line', '\r'],
  ])('gives up at a terminal with %s', async (_, key) => {
    await expect(hashOf(terminal(key))).rejects.toThrow('A password is missing');
  });

  it.each([
    ['nothing', '', 'A password is missing'],
    ['an empty line', '\n', 'A password is missing'],
    ['more than PLAIN can carry', 'é'.repeat(128), 'at most 255 bytes'],
    ['far more than that', 'x'.repeat(100_000), 'at most 255 bytes'],
  ])('refuses %s', async (_, piped, message) => {
    await expect(hashOf(Readable.from([Buffer.from(piped)]))).rejects.toThrow(message);
  });

  it('takes no password as an argument, and does not repeat it', async () => {
    const { code, stderr } = await run('plain-hash', 'hunter2');
    expect(code).toBe(2);
    expect(stderr).toContain('the password comes from standard input');
    expect(stderr).not.toContain('hunter2');
  });
});

/** Somebody at a terminal, who types a line when asked. */
function terminal(...lines: string[]): Readable {
  const input = new PassThrough();
  void (async () => {
    for (const line of lines) {
      await new Promise(resolve => setImmediate(resolve));
      input.write(line);
    }
  })();
  return Object.assign(input, { isTTY: true, setRawMode: () => input });
}
