import { describe, expect, it } from 'vitest';
import type { CliIo } from '../../../../lib/cli/cli-io.js';
import { runGate } from '../../../../lib/cli/gate/gate-command.js';
import { UsageError } from '../../../../lib/cli/usage-error.js';
import { FakeIo } from '../../../support/attacks/fake-io.js';
import { until } from '../../../support/zmq-app.js';
import { anyIpc, configFile } from './gate-process.js';

/** A terminal that a person watches. */
function terminal(signal: AbortSignal): { readonly io: CliIo; readonly shown: () => string } {
  const fake = new FakeIo(signal);
  const io: CliIo = {
    isTTY: true,
    signal,
    out: text => fake.out(text),
    err: text => fake.err(text),
    onReload: () => undefined,
  };
  return { io, shown: () => fake.stdout };
}

function argsFor(forward: string): string[] {
  return ['--listen', 'tcp://127.0.0.1:*', '--forward', forward];
}

describe('nestjs-zeromq gate', () => {
  it('prints its help', async () => {
    const io = new FakeIo();
    expect(await runGate(['--help'], io)).toBe(0);
    expect(io.stdout).toMatch(/^Usage: nestjs-zeromq gate --listen/);
  });

  it('says in words where it listens and that it has stopped', async () => {
    const stop = new AbortController();
    const io = new FakeIo(stop.signal);
    const forward = anyIpc();
    const running = runGate(argsFor(forward), io);
    await until(() => io.stdout.includes('Listening'));
    expect(io.stdout).toMatch(new RegExp(`Listening on tcp://127\\.0\\.0\\.1:\\d+ for the ROUTER at ${forward}\\.$`));
    stop.abort();
    expect(await running).toBe(0);
    expect(io.stdout).toMatch(/Stopped\. 0 messages forwarded\.$/);
  });

  it('shows a live status on a terminal', async () => {
    const stop = new AbortController();
    const { io, shown } = terminal(stop.signal);
    const running = runGate(argsFor(anyIpc()), io);
    await until(() => shown().includes('0 peers · 0/s in · 0/s out · held 0 bytes of 64 MB · 0 violations'));
    stop.abort();
    expect(await running).toBe(0);
  });

  it('stops at once where it was asked to before it began', async () => {
    expect(await runGate(argsFor(anyIpc()), new FakeIo(AbortSignal.abort()))).toBe(0);
  });

  it('does not listen in the open, and names the three ways out', async () => {
    const running = runGate(['--listen', 'tcp://0.0.0.0:*', '--forward', anyIpc()], new FakeIo());
    const message = /0\.0\.0\.0:\* can be reached from other machines.*127\.0\.0\.1.*--tls-cert.*--allow-insecure/;
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toThrow(UsageError);
  });

  it('listens in the open where it is told to, and says so', async () => {
    const stop = new AbortController();
    const io = new FakeIo(stop.signal);
    const running = runGate(['--listen', 'tcp://0.0.0.0:*', '--forward', anyIpc(), '--allow-insecure'], io);
    await until(() => io.stdout.includes('Insecure'));
    expect(io.stdout).toMatch(/Insecure, as it was told to be: tcp:\/\/0\.0\.0\.0:\* can be reached/);
    stop.abort();
    expect(await running).toBe(0);
  });

  it.each([
    [{ tls: { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' } }, '/nowhere/cert.pem cannot be read'],
    [{ listen: 'tcp://127.0.0.1:*', identities: { ann: { certificate: 'CN=ann' } } }, 'would let nobody in'],
  ])('refuses settings that it cannot begin with: %j', async (config, message) => {
    const path = configFile({ listen: 'tls://127.0.0.1:*', forward: anyIpc(), ...config });
    const running = runGate(['--config', path], new FakeIo());
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toThrow(UsageError);
  });
});
