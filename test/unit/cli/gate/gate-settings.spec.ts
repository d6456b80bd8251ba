import { describe, expect, it } from 'vitest';
import { resolveSettings, type FlagSettings } from '../../../../lib/cli/gate/gate-settings.js';

const ENDPOINTS = { listen: 'tcp://0.0.0.0:5555', forward: 'ipc:///run/app.sock' };
const flag = (name: string, value: unknown) => ({ [name]: { value, flag: `--${name}` } }) as FlagSettings;

describe('the settings of the gate program', () => {
  it('have defaults for all but the two endpoints', () => {
    expect(resolveSettings(ENDPOINTS, {})).toMatchObject({
      listen: [{ endpoint: 'tcp://0.0.0.0:5555', name: 'tcp://0.0.0.0:5555', mechanism: 'NULL', tls: undefined }],
      forward: 'ipc:///run/app.sock',
      type: 'router',
      memoryBudget: 64 * 1024 ** 2,
      maxMessageSize: 1024 ** 2,
      drainTimeout: 10_000,
      gate: { maxFrames: 16 },
      socket: { linger: 1_000 },
      allowInsecure: false,
    });
  });

  it('come from flags before they come from the config file', () => {
    const settings = resolveSettings({ ...ENDPOINTS, type: 'rep' }, { ...flag('type', 'pull') });
    expect(settings.type).toBe('pull');
  });

  it.each([
    [{ forward: ENDPOINTS.forward }, '--listen is missing'],
    [{ listen: ENDPOINTS.listen }, '--forward is missing'],
    [{ ...ENDPOINTS, listen: 'ipc:///tmp/x' }, 'config.listen must be tcp://host:port'],
    [{ ...ENDPOINTS, forward: 'tls://a:1' }, 'config.forward must be one tcp://host:port or ipc://path'],
    [{ ...ENDPOINTS, forward: 'inproc://x' }, 'config.forward must be one tcp://host:port or ipc://path'],
    [{ ...ENDPOINTS, forward: ['tcp://a:1', 'tcp://b:1'] }, 'config.forward must be one'],
    [{ ...ENDPOINTS, forward: 'tcp://*:5555' }, 'config.forward must name a host and a port'],
    [{ ...ENDPOINTS, type: 'dealer' }, 'config.type must be one of router, rep, pull, sub'],
    [{ ...ENDPOINTS, memoryBudget: 'much' }, 'config.memoryBudget must be a number of bytes'],
    [{ ...ENDPOINTS, gate: { rate: { messages: 0 } } }, 'config.gate.rate.messages must be a whole number'],
    [{ ...ENDPOINTS, socket: { linger: -1 } }, 'config.socket.linger must be a number of milliseconds'],
    [{ ...ENDPOINTS, mechanism: 'CURVE' }, "config.mechanism must be one of NULL, PLAIN, but is 'CURVE': libzmq alone"],
    [{ ...ENDPOINTS, deny: '10.0.0.1/8' }, 'config.deny has bits beyond its prefix'],
    [{ ...ENDPOINTS, tls: { cert: 'x' } }, 'config.tls.cert must be PEM'],
    [{ ...ENDPOINTS, anonymous: 'no' }, 'config.anonymous must be true or false'],
    [{ ...ENDPOINTS, budget: 1 }, "config has no option 'budget'"],
    [JSON.parse('{"__proto__":{"listen":"tcp://0.0.0.0:1"}}'), "config has no option '__proto__'"],
    [[], 'config must be an object'],
    [null, 'config must be an object'],
    ['text', 'config must be an object'],
  ])('that are wrong are named: %j', (config, message) => {
    expect(() => resolveSettings(config, {})).toThrow(message);
  });

  it('that are wrong in a flag are named by the flag', () => {
    expect(() => resolveSettings(ENDPOINTS, flag('type', 'dealer'))).toThrow('--type must be one of');
  });

  it('must leave room for several messages of the largest size', () => {
    const config = { ...ENDPOINTS, memoryBudget: '4mb', maxMessageSize: '2mb' };
    expect(() => resolveSettings(config, {})).toThrow('must be at least 4 times maxMessageSize');
  });
});
