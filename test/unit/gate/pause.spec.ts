import { describe, expect, it } from 'vitest';
import { leftIn, NOTHING_LEFT } from '../../support/gate.js';
import { HANDSHAKE, longHeader, messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS } from '../../support/transports.js';
import { until } from '../../support/zmq-app.js';

describe.each(TRANSPORTS)('a paused gate, over %s', transport => {
  const openGate = gateOver(transport);

  it('delivers nothing, neither of those connected nor of newcomers, and all of it once it is resumed', async () => {
    const { server, log, endpoint } = await openGate();
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawZmtp.open(endpoint)));
    server.pause();
    clients.forEach((client, index) => client.send(String(index)));
    const newcomer = new RawZmtp(endpoint);
    newcomer.write(HANDSHAKE, messageBytes('newcomer'));
    await until(() => newcomer.commandNames.includes('READY'));
    await until(() => server.stashes.bytes > 0);
    await new Promise(resolve => setTimeout(resolve, 30));
    expect(log.messages).toEqual([]);
    server.resume();
    await until(() => log.messages.length === 21);
    expect(log.texts.flat().toSorted()).toEqual([...clients.map((_, index) => String(index)), 'newcomer'].toSorted());
    expect(server.stashes.bytes).toBe(0);
  });

  it('keeps a large message that was on its way, and charges it meanwhile', async () => {
    const { server, log, endpoint } = await openGate({ maxMessageSize: 1024 ** 2 });
    const client = await RawZmtp.open(endpoint);
    client.write(longHeader(0, 500_000n), Buffer.alloc(200_000));
    await until(() => server.ledger.receiving.used >= 500_000);
    server.pause();
    client.write(Buffer.alloc(300_000), messageBytes('next'));
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(log.messages).toEqual([]);
    expect(server.ledger.receiving.used).toBeGreaterThanOrEqual(500_000);
    server.resume();
    await until(() => log.messages.length === 2);
    expect(log.messages.map(({ frames }) => frames[0]?.length)).toEqual([500_000, 4]);
    client.socket.destroy();
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('can be paused by the message it delivers, however many came with it', async () => {
    const { server, log, endpoint } = await openGate();
    log.onMessage = () => server.pause();
    const client = await RawZmtp.open(endpoint);
    client.write(...Array.from({ length: 10 }, (_, index) => messageBytes(String(index))));
    for (let count = 1; count <= 10; count++) {
      await until(() => log.messages.length === count);
      await new Promise(resolve => setImmediate(resolve));
      expect(log.messages).toHaveLength(count);
      server.resume();
    }
    expect(log.texts.flat()).toEqual(Array.from({ length: 10 }, (_, index) => String(index)));
  });

  it('blames nobody for a message that could not get on', async () => {
    const { server, log, endpoint } = await openGate({ gate: { messageTimeout: 100 }, maxMessageSize: 1024 ** 2 });
    const client = await RawZmtp.open(endpoint);
    server.pause();
    client.write(longHeader(0, 100_000n), Buffer.alloc(50_000));
    await until(() => server.stashes.bytes > 0);
    await new Promise(resolve => setTimeout(resolve, 250));
    client.write(Buffer.alloc(50_000));
    server.resume();
    await until(() => log.messages.length === 1);
    expect(log.violations).toEqual([]);
  });
});
