import { describe, expect, it } from 'vitest';
import { AddressRules } from '../../../lib/security/address-list.js';
import { openGate } from '../../support/gate.js';
import { RawZmtp } from '../../support/raw-zmtp.js';

const DENIED = new AddressRules({ allow: [], deny: ['127.0.0.0/8'] });
const OPEN = new AddressRules({ allow: [], deny: [] });

describe('other access lists of a running gate', () => {
  it('go for connections from now on, and for those that there are', async () => {
    const { server, log, endpoint } = await openGate({ bind: { endpoint: 'tcp://127.0.0.1:*', name: 'devices' } });
    const open = await RawZmtp.open(endpoint);
    const halfOpen = new RawZmtp(endpoint);
    await halfOpen.connected();
    server.admitFrom('devices', DENIED);
    await Promise.all([open.untilEnded(), halfOpen.untilEnded()]);
    await expect(RawZmtp.open(endpoint)).rejects.toThrow('hung up');
    expect(log.violations).toMatchObject([{ kind: 'address-denied', figures: { reason: 'devices' } }]);
    server.admitFrom('devices', OPEN);
    expect((await RawZmtp.open(endpoint)).commandNames).toEqual(['READY']);
  });

  it('leave the listeners of other names alone', async () => {
    const { server } = await openGate({
      bind: [
        { endpoint: 'tcp://127.0.0.1:*', name: 'one' },
        { endpoint: 'tcp://127.0.0.1:*', name: 'two' },
      ],
    });
    const [one, two] = await Promise.all(server.endpoints.map(endpoint => RawZmtp.open(endpoint)));
    server.admitFrom('one', DENIED);
    await one?.untilEnded();
    expect(two?.hasEnded).toBe(false);
    expect((await RawZmtp.open(server.endpoints[1] as string)).commandNames).toEqual(['READY']);
  });
});
