import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { checkTarget, endpointOf, type Surroundings } from '../../../../lib/cli/drill/target.js';
import { UsageError } from '../../../../lib/cli/usage-error.js';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  localhost: ['::1', '127.0.0.1'],
  'this-machine.test': ['192.0.2.10'],
  'other-machine.test': ['198.51.100.1'],
  'both.test': ['127.0.0.1', '198.51.100.1'],
};

const SURROUNDINGS: Surroundings = {
  addressesOf: name => Promise.resolve(NAMES[name] ?? []),
  ownAddresses: () => ['127.0.0.1', '192.0.2.10', '2001:db8::a'],
};

const check = (text: string) => checkTarget(text, SURROUNDINGS);

describe('the target of a drill', () => {
  it.each([
    ['tcp://127.0.0.1:5555', '127.0.0.1'],
    ['tcp://127.3.2.1:5555', '127.3.2.1'],
    ['tcp://[::1]:5555', '::1'],
    ['tcp://192.0.2.10:5555', '192.0.2.10'],
    ['tcp://[2001:db8::a]:5555', '2001:db8::a'],
    ['tcp://[2001:DB8:0:0::A]:5555', '2001:DB8:0:0::A'],
    ['tcp://this-machine.test:5555', '192.0.2.10'],
    ['tcp://localhost:5555', '127.0.0.1'],
  ])('may be an address of this machine: %s', async (text, host) => {
    expect(await check(text)).toEqual({ host, port: 5555 });
  });

  it.each([
    'tcp://198.51.100.1:5555',
    'tcp://192.0.2.11:5555',
    'tcp://[2001:db8::b]:5555',
    'tcp://[::ffff:198.51.100.1]:5555',
    'tcp://128.0.0.1:5555',
    'tcp://0.0.0.0:5555',
    'tcp://255.255.255.255:5555',
    'tcp://224.0.0.1:5555',
    'tcp://other-machine.test:5555',
  ])('may not be on another machine: %s', async text => {
    await expect(check(text)).rejects.toThrow(UsageError);
    await expect(check(text)).rejects.toThrow('--target must be on this machine');
  });

  it('may not be a name of which one address is elsewhere', async () => {
    await expect(check('tcp://both.test:5555')).rejects.toThrow('both.test, which is 198.51.100.1, is not');
  });

  it('may not be a name without an address', async () => {
    await expect(check('tcp://nowhere.test:5555')).rejects.toThrow("the host 'nowhere.test', which has no address");
  });

  it.each([
    '127.0.0.1:5555',
    'tls:127.0.0.1:5555',
    'ipc:///tmp/x',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:0',
    'tcp://*:5555',
    'tcp://127.0.0.1:70000',
    'tcp://a b:5555',
    '',
  ])('has the form tcp://host:port, unlike "%s"', async text => {
    await expect(check(text)).rejects.toThrow('--target must be tcp://host:port');
  });

  it('is connected to by the address that was checked, not by its name', async () => {
    expect(endpointOf(await check('tcp://this-machine.test:5555'))).toBe('tcp://192.0.2.10:5555');
    expect(endpointOf(await check('tcp://[::1]:5555'))).toBe('tcp://[::1]:5555');
  });

  it('may speak TLS, and has to have the name that it was given', async () => {
    const named = await check('tls://this-machine.test:5555');
    expect(named).toEqual({ host: '192.0.2.10', port: 5555, tls: { servername: 'this-machine.test' } });
    expect(endpointOf(named)).toBe('tls://192.0.2.10:5555');
    expect(await check('tls://[::1]:5555')).toEqual({ host: '::1', port: 5555, tls: {} });
    await expect(check('tls://other-machine.test:5555')).rejects.toThrow('--target must be on this machine');
  });

  it('is held against the real interfaces when nothing else is said', async () => {
    const own = Object.values(networkInterfaces()).flatMap(found => found ?? []);
    const ipv4 = own.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
    for (const address of ipv4) {
      expect(await checkTarget(`tcp://${address}:5555`)).toEqual({ host: address, port: 5555 });
    }
    await expect(checkTarget('tcp://192.0.2.1:5555')).rejects.toThrow('--target must be on this machine');
  });
});
