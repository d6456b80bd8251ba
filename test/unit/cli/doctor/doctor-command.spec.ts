import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../../lib/cli/cli.js';
import { FakeIo } from '../../../support/attacks/fake-io.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zmq-doctor-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function run(...args: string[]) {
  const io = new FakeIo();
  return { code: await runCli(['doctor', ...args], io), stdout: io.stdout, stderr: io.stderr };
}

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

describe('nestjs-zeromq doctor', () => {
  it('tells of a server without options what it would run with', async () => {
    const { code, stdout } = await run();
    expect(code).toBe(0);
    for (const line of [
      /^Versions$/m,
      /^ {2}node +v\d+/m,
      /^Options in force \(the defaults\)$/m,
      /^ {2}limits\.maxMessageSize: 1048576$/m,
      /^ {2}identities: none$/m,
      /^Memory$/m,
      /^ {2}tcp:\/\/127\.0\.0\.1:5555: reached from this machine; protection: none; carried by gate$/m,
      /^ {2}nothing is wrong$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it.each([
    ['options.json', '{"bind":"tcp://0.0.0.0:5555"}'],
    ['options.mjs', 'export default { bind: "tcp://0.0.0.0:5555" }'],
    ['options.cjs', 'module.exports = { bind: "tcp://0.0.0.0:5555" }'],
  ])('reads the options of %s, and ends with 1 for what is wrong with them', async (name, text) => {
    const path = file(name, text);
    const { code, stdout } = await run('--options', path);
    expect(code).toBe(1);
    expect(stdout).toContain(`Options in force (${path})`);
    expect(stdout).toMatch(/^ {2}error: tcp:\/\/0\.0\.0\.0:5555 can be reached from other machines/m);
  });

  it('ends with 0 for warnings', async () => {
    const { code, stdout } = await run('--options', file('a.json', '{"memoryBudget":"4mb"}'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}warning: /m);
  });

  it('prints JSON', async () => {
    const { code, stdout } = await run('--json', '--options', file('a.json', '{"memoryBudget":"4mb"}'));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      versions: { node: process.version },
      options: { memoryBudget: 4 * 1024 ** 2 },
      memory: { memoryBudget: 4 * 1024 ** 2 },
      listeners: [{ reach: 'this machine' }],
      errors: [],
      warnings: expect.arrayContaining([expect.stringContaining('outboxSize')]) as string[],
    });
  });

  it('tells which option is wrong, with the versions all the same', async () => {
    const { code, stdout } = await run('--options', file('a.json', '{"memory":1}'));
    expect(code).toBe(1);
    expect(stdout).toContain("error: ServerZmq options has no option 'memory'");
    expect(stdout).toContain('Versions');
    expect(stdout).not.toContain('Listeners');
  });

  it.each([
    ['a.json', '{"secretKey": hunter2}', 'it is no JSON'],
    ['a.json', '5', 'has no object'],
    ['a.mjs', 'export const bind = 5', 'has no object as its default export'],
    ['a.mjs', 'throw new Error("no database")', 'no database'],
    ['a.yaml', 'bind: 5', 'must be a .json, .js, .mjs or .cjs file'],
  ])('cannot do with %s that says %s', async (name, text, message) => {
    const { code, stderr } = await run('--options', file(name, text));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('hunter2');
  });

  it('cannot do with a file that is not there', async () => {
    const { code, stderr } = await run('--options', join(dir, 'none.json'));
    expect(code).toBe(2);
    expect(stderr).toContain('ENOENT');
  });

  it('tells with --help what it does', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--options <file>') as string,
    });
  });
});
