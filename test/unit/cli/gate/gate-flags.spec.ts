import { describe, expect, it } from 'vitest';
import { loadSettings, parseGateFlags, type GateFlags } from '../../../../lib/cli/gate/gate-flags.js';
import { UsageError } from '../../../../lib/cli/usage-error.js';
import { configFile, rewriteConfig } from './gate-process.js';

const ENDPOINTS = ['--listen', 'tcp://127.0.0.1:5555', '--forward', 'ipc:///tmp/app.sock'];

function load(...args: readonly string[]) {
  return loadSettings(parseGateFlags(args) as GateFlags);
}

describe('the command line of the gate program', () => {
  it('is enough without a config file', () => {
    const flags = ['--type', 'sub', '--memory-budget', '32mb', '--max-message-size', '2mb', '--drain-timeout', '500'];
    expect(load(...ENDPOINTS, '--listen', 'tcp://[::1]:5555', ...flags)).toMatchObject({
      listen: [{ endpoint: 'tcp://127.0.0.1:5555' }, { endpoint: 'tcp://[::1]:5555' }],
      forward: 'ipc:///tmp/app.sock',
      type: 'sub',
      memoryBudget: 32 * 1024 ** 2,
      maxMessageSize: 2 * 1024 ** 2,
      drainTimeout: 500,
    });
  });

  it('is enough for TLS and access lists', () => {
    const files = ['--tls-cert', 'server.pem', '--tls-key', 'server.key', '--tls-ca', 'ca.pem'];
    const rules = ['--allow', '10.0.0.0/8', '--allow', '192.0.2.1', '--deny', '10.0.0.1'];
    const args = ['--listen', 'tls://0.0.0.0:5555', '--forward', 'ipc:///tmp/app.sock', ...files, ...rules];
    expect(load(...args, '--allow-insecure')).toMatchObject({
      listen: [
        {
          tls: {
            cert: { file: 'server.pem' },
            key: { file: 'server.key' },
            ca: { file: 'ca.pem' },
            requireCertificate: true,
          },
          allow: ['10.0.0.0/8', '192.0.2.1/32'],
          deny: ['10.0.0.1/32'],
        },
      ],
      allowInsecure: true,
    });
  });

  it('knows how often the status is asked for, and in which form', () => {
    expect(parseGateFlags([])).toMatchObject({ statusInterval: 60_000, json: false });
    expect(parseGateFlags(['--json', '--status-interval', '0.5'])).toMatchObject({ statusInterval: 500, json: true });
    expect(parseGateFlags(['-h'])).toBe('help');
  });

  it.each([
    [['--listn', 'x'], "Unknown option '--listn'"],
    [[...ENDPOINTS, '--max-message-size', 'huge'], '--max-message-size must be a number of bytes'],
    [[...ENDPOINTS, '--memory-budget', '1kb'], '--memory-budget must be from'],
    [[...ENDPOINTS, '--drain-timeout', '-1'], "'--drain-timeout'"],
    [[...ENDPOINTS, '--status-interval', 'often'], '--status-interval must be a number'],
    [[...ENDPOINTS, '--type', 'push'], '--type must be one of'],
    [['--forward', 'ipc:///tmp/app.sock'], '--listen is missing'],
    [[...ENDPOINTS, '--allow', '10.0.0.0/33'], '--allow[0] must be an IP address or a network'],
    [[...ENDPOINTS, '--deny', ''], '--deny[0] must be an IP address or a network'],
    [[...ENDPOINTS, '--tls-cert', 'server.pem'], '--tls-key must be given with --tls-cert'],
    [[...ENDPOINTS, '--tls-ca', 'ca.pem'], '--tls-cert must be given with --tls-ca'],
    [[...ENDPOINTS, '--tls-key', ''], '--tls-key must be the path of a file'],
    [[...ENDPOINTS, '--tls-cert', 'a', '--tls-key', 'b'], '--listen has no tls:// endpoint'],
    [
      ['--listen', 'tls://127.0.0.1:1', '--forward', 'ipc:///a'],
      '--listen: tls://127.0.0.1:1 needs a certificate: --tls-cert and --tls-key, or config.tls',
    ],
    [[...ENDPOINTS, '--config', '/nowhere/gate.json'], '--config names /nowhere/gate.json, which cannot be read'],
  ])('is refused by the name of the flag: %j', (args, message) => {
    expect(() => load(...args)).toThrow(UsageError);
    expect(() => load(...args)).toThrow(message);
  });
});

describe('the config file of the gate program', () => {
  it('is completed by flags', () => {
    const path = configFile({ listen: 'tcp://0.0.0.0:1', forward: 'ipc:///a', gate: { maxFrames: 3 } });
    const settings = load('--config', path, '--forward', 'ipc:///b');
    expect(settings).toMatchObject({
      listen: [{ endpoint: 'tcp://0.0.0.0:1' }],
      forward: 'ipc:///b',
      gate: { maxFrames: 3 },
    });
  });

  it('is named when it is no JSON, too large, or has a wrong option', () => {
    const path = configFile('{ listen');
    expect(() => load('--config', path)).toThrow(`--config names ${path}, which is no JSON`);
    rewriteConfig(path, ' '.repeat(1024 ** 2 + 1));
    expect(() => load('--config', path)).toThrow(`${path}, which is larger than`);
    rewriteConfig(path, { gate: { maxFrames: 1 } });
    expect(() => load('--config', path)).toThrow(`${path}: config.gate.maxFrames must be`);
    expect(() => load('--config', path)).toThrow(UsageError);
  });
});
