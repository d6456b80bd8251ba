import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { requirePackage } from '../../../lib/pipeline/installed-package.js';
import { ZmqValidationPipe } from '../../../lib/pipeline/zmq-validation.pipe.js';
import { refusalOf } from '../../support/refusal.js';

let folder: string | undefined;

afterEach(() => {
  vi.restoreAllMocks();
  if (folder !== undefined) {
    rmSync(folder, { recursive: true });
    folder = undefined;
  }
});

/** A file beside which these packages are installed, and no others. */
function fileBeside(packages: Readonly<Record<string, object>>): string {
  folder = mkdtempSync(join(tmpdir(), 'packages-'));
  for (const [name, manifest] of Object.entries(packages)) {
    const path = join(folder, 'node_modules', name, 'package.json');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ name, version: '1.0.0', ...manifest }));
    writeFileSync(join(dirname(path), 'index.js'), '');
  }
  return join(folder, 'file.js');
}

describe('requirePackage', () => {
  it('accepts a package that is installed', () => {
    expect(() => requirePackage('some-validator', 'The pipe', fileBeside({ 'some-validator': {} }))).not.toThrow();
  });

  it('accepts one that can only be imported', () => {
    const file = fileBeside({ 'some-validator': { exports: { import: './index.js' } } });
    expect(() => requirePackage('some-validator', 'The pipe', file)).not.toThrow();
  });

  it('names the package that is missing, and who needs it', () => {
    const { code, message } = refusalOf(() => requirePackage('some-validator', 'The pipe', fileBeside({})));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message).toBe('The pipe needs the package "some-validator": npm install some-validator');
  });

  it('finds the packages of this project', () => {
    expect(() => requirePackage('class-validator', 'The pipe')).not.toThrow();
  });
});

describe('ZmqValidationPipe without its packages', () => {
  /** Module resolution of the process, in which a package is missing. */
  function hide(hidden: string): void {
    const resolver = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
    const resolve = resolver._resolveFilename;
    vi.spyOn(resolver, '_resolveFilename').mockImplementation((request, ...rest) => {
      if (request === hidden) {
        throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
      }
      return resolve(request, ...rest);
    });
  }

  it.each(['class-validator', 'class-transformer'])('refuses to be made, and names %s', name => {
    hide(name);
    const { code, message } = refusalOf(() => new ZmqValidationPipe());
    expect([code, message]).toEqual(['INVALID_OPTIONS', expect.stringContaining(`"${name}"`)]);
  });

  it('does not look for packages that it is given', () => {
    hide('class-validator');
    const validatorPackage = { validate: () => [] };
    expect(() => new ZmqValidationPipe({ validatorPackage })).not.toThrow();
  });
});
