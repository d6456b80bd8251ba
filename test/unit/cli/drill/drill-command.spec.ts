import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { runDrill } from '../../../../lib/cli/drill/drill-command.js';
import { AttackedProcess } from '../../../support/attacks/attacked-process.js';
import { FakeIo } from '../../../support/attacks/fake-io.js';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../../../support/build.js';
import { onCleanup, until } from '../../../support/zmq-app.js';

/** The program as it is installed. */
function start(...args: string[]) {
  const child = spawn(process.execPath, ['dist/cli/main.js', 'drill', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onCleanup(() => child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, said, ended };
}

describe('nestjs-zeromq drill', () => {
  beforeAll(ensureBuild, BUILD_TIMEOUT_MS);

  it('prints its help', async () => {
    const io = new FakeIo();
    expect(await runDrill(['--help'], io)).toBe(0);
    expect(io.stdout).toMatch(/^Usage: nestjs-zeromq drill --target/);
  });

  it('refuses a target elsewhere before it sends anything', async () => {
    const drill = runDrill(['--target', 'tcp://192.0.2.1:5555'], new FakeIo());
    await expect(drill).rejects.toThrow('--target must be on this machine');
  });

  it('refuses a process whose memory it cannot read', async () => {
    const drill = runDrill(['--target', 'tcp://127.0.0.1:5555', '--pid', '2147483647'], new FakeIo());
    await expect(drill).rejects.toThrow('--pid names the process 2147483647');
  });

  it('fails for a service that does not echo', async () => {
    const { endpoint } = await AttackedProcess.bareRouter();
    const io = new FakeIo();
    // Bare as it is, it answers this pattern with the caller's id.
    expect(await runDrill(['--target', endpoint, '--pattern', 'whoami'], io)).toBe(1);
    expect(io.stderr).toContain("does not answer 'whoami' with what it was given");
  });

  it('attacks, reports, and ends with 1 when the service did not hold', async () => {
    const bare = await AttackedProcess.bareRouter();
    const flags = ['--attack', 'A12', '--seconds', '1', '--pid', String(bare.pid), '--json'];
    const { said, ended } = start('--target', bare.endpoint, ...flags);
    expect(await ended).toBe(1);
    const report = JSON.parse(said.out) as { held: boolean; attacks: Record<string, unknown>[] };
    expect(report.held).toBe(false);
    expect(report.attacks).toHaveLength(1);
    expect(report.attacks[0]).toMatchObject({ id: 'A12', held: false, memoryJudged: true });
    expect(report.attacks[0]?.['reasons']).toEqual([expect.stringContaining('ZMTP 1 or 2 was answered')]);
  });

  it('prints a table, and ends with 0 when the service held', async () => {
    const bare = await AttackedProcess.bareRouter();
    const { said, ended } = start('--target', bare.endpoint, '--attack', 'A5', '--seconds', '1');
    expect(await ended).toBe(0);
    expect(said.out).toMatch(/^attack .*\nA5 .* held, memory unknown .*\nAll 1 held\. Memory was not measured/);
  });

  it('ends soon after Ctrl-C, and its attackers with it', async () => {
    const bare = await AttackedProcess.bareRouter();
    const { child, said, ended } = start('--target', bare.endpoint, '--attack', 'A13', '--seconds', '15');
    await until(() => said.out.startsWith('attack'));
    const stoppedAt = performance.now();
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(performance.now() - stoppedAt).toBeLessThan(8_000);
    expect(said.err).toContain('Stopped before the end.');
  });
});
