import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { Secret } from '../../../lib/options/secret.js';
import { readCurveKey, readKeyFile, readPublicFile, readSource } from '../../../lib/security/key-files.js';

const KEY = 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6';
const isRoot = process.geteuid?.() === 0;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'key-files-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

function file(mode: number, text = KEY): string {
  const path = join(directory, 'server.key');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** Of the exception for wrong options. */
function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof ZmqException && error.code === 'INVALID_OPTIONS' ? error.message : 'Another error';
  }
  throw new Error('Nothing was thrown');
}

/** The process takes itself for this user. */
function runAs(user: number): void {
  vi.spyOn(process, 'geteuid').mockReturnValue(user);
}

describe('readKeyFile()', () => {
  it.each([0o600, 0o400])('reads a file with mode %o', mode => {
    expect(readKeyFile(file(mode))).toBe(KEY);
  });

  it.each([0o604, 0o602, 0o601, 0o660, 0o650, 0o666, 0o777])('refuses mode %o, and says what to do', mode => {
    const path = file(mode);
    const message = messageOf(() => readKeyFile(path));
    expect(message).toContain(`${path} holds a secret, but others have rights to it (mode 0${mode.toString(8)}).`);
    expect(message).toContain('chmod 600');
    expect(message).not.toContain(KEY);
  });

  it.runIf(isRoot)('lets the group read what root owns, and nothing else', () => {
    const path = file(0o640);
    expect(readKeyFile(path)).toBe(KEY);
    runAs(1_000);
    expect(readKeyFile(path)).toBe(KEY);
    chownSync(path, 1_000, 1_000);
    expect(messageOf(() => readKeyFile(path))).toContain('mode 0640');
    chmodSync(path, 0o600);
    expect(readKeyFile(path)).toBe(KEY);
  });

  it.runIf(isRoot)('refuses the file of somebody else', () => {
    const path = file(0o600);
    chownSync(path, 1_001, 1_001);
    runAs(1_000);
    expect(messageOf(() => readKeyFile(path))).toBe(
      `${path} holds a secret and belongs to user 1001; it must belong to user 1000 or to root.`,
    );
  });

  it('looks at the file that a link leads to', () => {
    const link = join(directory, 'link.key');
    symlinkSync(file(0o644), link);
    expect(messageOf(() => readKeyFile(link))).toContain('mode 0644');
  });

  it('says with the code of the system why a file cannot be read', () => {
    const path = join(directory, 'missing');
    expect(messageOf(() => readKeyFile(path))).toBe(`${path} cannot be read (ENOENT).`);
  });

  it('refuses what is no file', () => {
    expect(messageOf(() => readKeyFile(directory))).toBe(`${directory} is no file.`);
  });

  it('refuses a file that is larger than any key', () => {
    const path = file(0o600);
    truncateSync(path, 4 * 1024 ** 2 + 1);
    expect(messageOf(() => readKeyFile(path))).toContain('has 4194305 bytes');
  });
});

describe('readSource()', () => {
  it('gives what was given, or the text of the file', () => {
    expect(readSource({ value: new Secret('text') }, true)).toBe('text');
    expect(readSource({ file: file(0o600) }, true)).toBe(KEY);
  });

  it('looks at the mode of secrets alone', () => {
    const path = file(0o644);
    expect(readSource({ file: path }, false)).toBe(KEY);
    expect(readPublicFile(path)).toBe(KEY);
    expect(messageOf(() => readSource({ file: path }, true))).toContain('mode 0644');
  });
});

describe('readCurveKey()', () => {
  it('takes a key with a line end after it', () => {
    expect(readCurveKey({ file: file(0o600, `${KEY}\n`) }).reveal()).toBe(KEY);
  });

  it('does not show what it found instead of a key', () => {
    const path = file(0o600, 'another secret');
    expect(messageOf(() => readCurveKey({ file: path }))).toBe(
      `${path} must be a CURVE key as 40 characters of Z85, and nothing else.`,
    );
    expect(messageOf(() => readCurveKey({ value: new Secret('another secret') }))).not.toContain('another');
  });
});
