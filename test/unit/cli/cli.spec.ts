import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../lib/cli/cli.js';
import { FakeIo } from '../../support/attacks/fake-io.js';

async function run(...args: string[]) {
  const io = new FakeIo();
  return { code: await runCli(args, io), stdout: io.stdout, stderr: io.stderr };
}

describe('nestjs-zeromq', () => {
  it.each([['--help'], ['-h'], ['help']])('lists its commands with %s', async flag => {
    const { code, stdout } = await run(flag);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: nestjs-zeromq <command>/);
    expect(stdout).toMatch(/^ {2}drill +\w/m);
  });

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await run('--version')).toEqual({ code: 0, stdout: version, stderr: '' });
  });

  it('refuses to guess the command', async () => {
    const { code, stderr } = await run();
    expect(code).toBe(2);
    expect(stderr).toContain('A command is missing');
  });

  it.each(['dril', 'toString', '__proto__'])('names a command that does not exist: %s', async name => {
    const { code, stderr } = await run(name);
    expect(code).toBe(2);
    expect(stderr).toContain(`There is no command '${name}'`);
    expect(stderr).toContain('nestjs-zeromq --help');
  });

  it('says with code 2 which option of a command is wrong, and where help is', async () => {
    const { code, stderr, stdout } = await run('drill', '--speed', '5');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("Unknown option '--speed'.");
    expect(stderr).toContain('See nestjs-zeromq drill --help.');
  });
});
