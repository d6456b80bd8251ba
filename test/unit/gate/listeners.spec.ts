import { networkInterfaces } from 'node:os';
import { Dealer } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { openGate } from '../../support/gate.js';
import { RawZmtp } from '../../support/raw-zmtp.js';
import { onCleanup, until } from '../../support/zmq-app.js';

describe('the endpoints of a gate', () => {
  it('may be several, with one set of connections and limits', async () => {
    const { server, log } = await openGate({
      bind: ['tcp://127.0.0.1:*', 'tcp://127.0.0.2:*'],
      gate: { maxConnections: 2 },
    });
    expect(server.endpoints).toHaveLength(2);
    expect(server.endpoints[1]).toMatch(/^tcp:\/\/127\.0\.0\.2:\d+$/);
    const clients = await Promise.all(server.endpoints.map(endpoint => RawZmtp.open(endpoint)));
    clients.forEach((client, index) => client.send(String(index)));
    await until(() => log.messages.length === 2);
    await expect(RawZmtp.open(server.endpoints[0] as string)).rejects.toThrow('hung up');
    expect(server.unwrap().map(({ listening }) => listening)).toEqual([true, true]);
  });

  it('may be given by name, and by the name of a network interface', async () => {
    const loopback = Object.entries(networkInterfaces()).find(([, all]) =>
      all?.some(({ address }) => address === '127.0.0.1'),
    )?.[0];
    const { server, log } = await openGate({ bind: ['tcp://localhost:*', `tcp://${loopback}:*`] });
    expect(server.endpoints.map(endpoint => endpoint.replace(/\d+$/, ''))).toEqual([
      'tcp://127.0.0.1:',
      'tcp://127.0.0.1:',
    ]);
    (await RawZmtp.open(server.endpoints[1] as string)).send('hello');
    await until(() => log.messages.length === 1);
  });

  it('say why they cannot be bound', async () => {
    await expect(openGate({ bind: 'tcp://no-such-host.invalid:*' })).rejects.toMatchObject({
      code: 'BIND_FAILED',
      details: { endpoint: 'tcp://no-such-host.invalid:*' },
    });
    // Kept for documentation, and so of no machine.
    await expect(openGate({ bind: 'tcp://192.0.2.1:*' })).rejects.toThrow('no interface of this machine');
  });

  it('may be of IPv6, whose clients are told apart by their /64 network', async () => {
    const { log, server, endpoint } = await openGate({
      bind: 'tcp://[::1]:*',
      socket: { ipv6: true },
      gate: { maxConnectionsPerAddress: 2 },
    });
    expect(endpoint).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
    const dealer = new Dealer({ linger: 0, ipv6: true });
    onCleanup(() => dealer.close());
    dealer.connect(endpoint);
    await dealer.send('hello');
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.account.address).toBe('0:0:0:0::/64');
    await RawZmtp.open(endpoint);
    await expect(RawZmtp.open(endpoint)).rejects.toThrow('hung up');
    expect(log.violations).toMatchObject([{ kind: 'address-connections', address: '0:0:0:0::/64' }]);
    expect(server.usage.connections).toBe(2);
  });

  it('that take both families name a client of IPv4 as such', async () => {
    const { log, endpoint } = await openGate({ bind: 'tcp://*:*', socket: { ipv6: true } });
    const port = endpoint.split(':').at(-1);
    (await RawZmtp.open(`tcp://127.0.0.1:${port}`)).send('four');
    await until(() => log.messages.length === 1);
    (await RawZmtp.open(`tcp://[::1]:${port}`)).send('six');
    await until(() => log.messages.length === 2);
    expect(log.messages.map(({ account }) => account.address)).toEqual(['127.0.0.1', '0:0:0:0::/64']);
  });
});
