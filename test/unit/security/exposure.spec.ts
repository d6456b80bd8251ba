import { describe, expect, it } from 'vitest';
import { resolveServerOptions } from '../../../lib/options/server-options.js';
import { assertProtected, isReachable } from '../../../lib/security/exposure.js';

const TLS = { certFile: 'server.pem', keyFile: 'server.key' };

function check(bind: string, { mechanism, allowInsecure = false, waysOut = 'Do something.' }: Partial<Check> = {}) {
  const listener = { endpoint: bind, ...(mechanism !== undefined && { mechanism }) };
  const { bind: listeners } = resolveServerOptions({ bind: listener, ...(bind.startsWith('tls:') && { tls: TLS }) });
  return assertProtected({ listeners, ipv6: true, isAsked: false, allowInsecure, waysOut });
}

interface Check {
  readonly mechanism: 'NULL' | 'PLAIN';
  readonly allowInsecure: boolean;
  readonly waysOut: string;
}

describe('a listener that nothing protects', () => {
  it.each(['tcp://0.0.0.0:1', 'tcp://*:1', 'tcp://[::]:1', 'tcp://192.0.2.1:1'])('is refused at %s', async endpoint => {
    await expect(check(endpoint)).rejects.toThrow(
      `${endpoint} can be reached from other machines, by anybody, without authentication or encryption. Do something.`,
    );
  });

  it.each([
    'tcp://127.0.0.1:1',
    'tcp://127.8.8.8:1',
    'tcp://[::1]:1',
    'tcp://localhost:1',
    'ipc:///tmp/x',
    'tls://*:1',
  ])('is none at %s', async endpoint => {
    expect(await check(endpoint)).toEqual([]);
  });

  it('is told rather than refused where it is wanted so', async () => {
    const problems = await check('tcp://0.0.0.0:1', { allowInsecure: true });
    expect(problems).toEqual([expect.stringContaining('tcp://0.0.0.0:1 can be reached')]);
  });

  it('is one with passwords, too', async () => {
    await expect(check('tcp://0.0.0.0:1', { mechanism: 'PLAIN' })).rejects.toThrow('passwords would cross the network');
  });
});

describe('isReachable', () => {
  it('takes a name that there is not for no danger, as nothing can be bound there', async () => {
    expect(await isReachable('tcp://no-such-host.invalid:1', false)).toBe(false);
  });
});
