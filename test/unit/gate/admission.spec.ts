import { describe, expect, it } from 'vitest';
import { CONNECTION_BYTES, TLS_CONNECTION_BYTES } from '../../../lib/gate/admission.js';
import { FakeClock } from '../../support/fake-clock.js';
import { leftIn, NOTHING_LEFT } from '../../support/gate.js';
import { GREETING, openMany, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS } from '../../support/transports.js';
import { until } from '../../support/zmq-app.js';

const HONEST = '127.0.0.2';
/** Bytes of one connection. */
const COSTS = { tcp: CONNECTION_BYTES, tls: TLS_CONNECTION_BYTES };

describe.each(TRANSPORTS)('half-open connections, over %s', transport => {
  const openGate = gateOver(transport);

  it('are closed when the handshake takes too long, wherever it stopped (A5)', async () => {
    const clock = new FakeClock();
    const { server, log, endpoint } = await openGate({ clock, socket: { handshakeInterval: 2_000 } });
    const silent = await openMany(endpoint, 2);
    silent[1]!.write(GREETING.subarray(0, 30));
    const greeted = new RawZmtp(endpoint);
    greeted.write(GREETING);
    await until(() => greeted.commandNames.includes('READY') && server.usage.connections === 3);
    clock.advance(1_990);
    expect(log.violations).toEqual([]);
    clock.advance(30);
    await Promise.all([...silent, greeted].map(client => client.untilEnded()));
    expect(log.violations).toMatchObject([
      { id: 'A5', kind: 'handshake-timeout', address: '127.0.0.1', figures: { limit: 2_000 } },
    ]);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('are not kept alive by bytes that trickle in', async () => {
    const clock = new FakeClock();
    const { log, endpoint } = await openGate({ clock, socket: { handshakeInterval: 2_000 } });
    const client = new RawZmtp(endpoint);
    await client.connected();
    for (let at = 0; at < 21; at++) {
      await new Promise<void>(resolve => client.socket.write(GREETING.subarray(at, at + 1), () => resolve()));
      clock.advance(100);
    }
    await client.untilEnded();
    expect(log.kinds).toEqual(['handshake-timeout']);
  });

  it('are limited for each address, others are let in', async () => {
    const { log, server, endpoint } = await openGate({ gate: { maxHalfOpenPerAddress: 3 } });
    const clients = await openMany(endpoint, 5);
    await until(() => clients.filter(({ hasEnded }) => hasEnded).length === 2);
    expect(log.violations).toMatchObject([
      { id: 'A5', kind: 'half-open', address: '127.0.0.1', figures: { limit: 3, actual: 4 } },
    ]);
    await RawZmtp.open(endpoint, { localAddress: HONEST });
    expect(server.usage.connections).toBe(4);
  });

  it('count no longer once they are through with the handshake, or gone', async () => {
    const { endpoint, server, log } = await openGate({ gate: { maxHalfOpenPerAddress: 1 } });
    await RawZmtp.open(endpoint);
    await RawZmtp.open(endpoint);
    const silent = new RawZmtp(endpoint);
    await until(() => server.usage.connections === 3);
    silent.socket.destroy();
    await until(() => server.usage.connections === 2);
    await RawZmtp.open(endpoint);
    expect(log.violations).toEqual([]);
  });
});

describe.each(TRANSPORTS)('connections, over %s', transport => {
  const openGate = gateOver(transport);

  it('are limited for each address (A6)', async () => {
    const { log, endpoint } = await openGate({ gate: { maxConnectionsPerAddress: 2 } });
    const first = await RawZmtp.open(endpoint);
    await RawZmtp.open(endpoint);
    await expect(RawZmtp.open(endpoint)).rejects.toThrow('hung up');
    expect(log.violations).toMatchObject([
      { id: 'A6', kind: 'address-connections', action: 'disconnect', figures: { limit: 2, actual: 3 } },
    ]);
    await RawZmtp.open(endpoint, { localAddress: HONEST });
    first.socket.destroy();
    await until(() => log.gone.length === 1);
    await RawZmtp.open(endpoint);
  });

  it('are limited in total (A6)', async () => {
    const { log, endpoint } = await openGate({ gate: { maxConnections: 2 } });
    await RawZmtp.open(endpoint, { localAddress: '127.0.0.3' });
    await RawZmtp.open(endpoint, { localAddress: HONEST });
    await expect(RawZmtp.open(endpoint)).rejects.toThrow('hung up');
    expect(log.violations).toMatchObject([{ id: 'A6', kind: 'connections', figures: { limit: 2, actual: 3 } }]);
  });

  it('are limited by what the budget can bear, too', async () => {
    // A quarter of it, at so much each.
    const { log, endpoint } = await openGate({ held: 4 * 3 * COSTS[transport] });
    await Promise.all([1, 2, 3].map(() => RawZmtp.open(endpoint)));
    await expect(RawZmtp.open(endpoint)).rejects.toThrow('hung up');
    expect(log.violations).toMatchObject([{ kind: 'connections', figures: { limit: 3, actual: 4 } }]);
  });

  it('leave places to addresses that have few, whoever came first (A6)', async () => {
    const { log, server, endpoint } = await openGate({ gate: { maxConnections: 16 } });
    const greedy = await openMany(endpoint, 16);
    await until(() => server.usage.connections + greedy.filter(({ hasEnded }) => hasEnded).length === 16);
    // Half of the places are the most for one address.
    expect(server.usage.connections).toBe(8);
    expect(log.kinds).toContain('address-connections');
    const others = await Promise.all(
      [3, 4, 5, 6, 7, 8, 9, 10].map(host => RawZmtp.open(endpoint, { localAddress: `127.0.0.${host}` })),
    );
    expect(others.filter(({ hasEnded }) => hasEnded)).toEqual([]);
    expect(server.usage.connections).toBe(16);
  });

  it('that come too fast are left unanswered for a while, other addresses are served (A15)', async () => {
    const clock = new FakeClock();
    const { log, server, endpoint } = await openGate({ clock, gate: { acceptRate: 2, tarpitTime: 1_000 } });
    const clients = await openMany(endpoint, 12);
    await until(() => log.kinds.includes('accept-rate'));
    // Four seconds' worth may come at once.
    await until(() => clients.filter(({ bytes }) => bytes === 64).length === 8);
    expect(log.violations).toMatchObject([{ id: 'A15', kind: 'accept-rate', action: 'tarpit', figures: { limit: 2 } }]);
    expect(clients.filter(({ hasEnded }) => hasEnded)).toEqual([]);
    await RawZmtp.open(endpoint, { localAddress: HONEST });
    clock.advance(1_020);
    await until(() => clients.filter(({ hasEnded }) => hasEnded).length === 4);
    await RawZmtp.open(endpoint);
    expect(server.usage.connections).toBe(10);
  });

  it('in the tarpit are limited, and the oldest makes room', async () => {
    const { log, endpoint } = await openGate({ gate: { acceptRate: 1, maxTarpit: 2 }, clock: new FakeClock() });
    const clients = await openMany(endpoint, 9);
    await log.untilViolation('accept-rate');
    await until(() => clients.filter(({ hasEnded }) => hasEnded).length === 3);
    expect(clients.filter(({ hasEnded, bytes }) => !hasEnded && bytes === 0)).toHaveLength(2);
  });

  it('are closed at once where no tarpit is wanted', async () => {
    const { endpoint } = await openGate({ gate: { acceptRate: 1, maxTarpit: 0 }, clock: new FakeClock() });
    const clients = await openMany(endpoint, 9);
    await until(() => clients.filter(({ hasEnded }) => hasEnded).length === 5);
    expect(clients.filter(({ bytes }) => bytes > 0)).toHaveLength(4);
  });
});

describe.each(TRANSPORTS)('an address that breaks the rules, over %s', transport => {
  const openGate = gateOver(transport);

  it('is shut out after so many times, others are not, and it is let in again', async () => {
    const clock = new FakeClock();
    const gate = { ban: { after: 3, window: 10_000, duration: 30_000 }, tarpitTime: 100 };
    const { server, log, endpoint } = await openGate({ clock, gate });
    for (let index = 0; index < 3; index++) {
      const client = await RawZmtp.open(endpoint);
      client.write(Buffer.of(0xff));
      await client.untilEnded();
      clock.advance(1_000);
    }
    expect(log.violations.map(({ action }) => action)).toEqual(['disconnect', 'disconnect', 'ban']);
    const shutOut = new RawZmtp(endpoint);
    await shutOut.reached();
    await RawZmtp.open(endpoint, { localAddress: HONEST });
    expect(shutOut.bytes).toBe(0);
    clock.advance(120);
    await shutOut.untilEnded();
    clock.advance(30_000);
    await RawZmtp.open(endpoint);
    expect(server.usage.connections).toBe(2);
  });

  it('is not shut out if it does so seldom', async () => {
    const clock = new FakeClock();
    const { log, endpoint } = await openGate({ clock, gate: { ban: { after: 2, window: 1_000 } } });
    for (let index = 0; index < 4; index++) {
      const client = await RawZmtp.open(endpoint);
      client.write(Buffer.of(0xff));
      await client.untilEnded();
      clock.advance(1_001);
    }
    expect(log.violations.map(({ action }) => action)).toEqual(Array.from({ length: 4 }, () => 'disconnect'));
  });

  it('is reported once a second for each kind, with the number of times', async () => {
    const clock = new FakeClock();
    const { log, endpoint } = await openGate({ clock });
    const offend = async (bytes: Uint8Array) => {
      const client = await RawZmtp.open(endpoint);
      client.write(bytes);
      await client.untilEnded();
    };
    await offend(Buffer.of(0xff));
    await offend(Buffer.of(0xff));
    await offend(Buffer.of(4, 1, 0));
    await offend(Buffer.of(0xff));
    clock.advance(1_000);
    await offend(Buffer.of(0xff));
    expect(log.violations.map(({ kind, count }) => [kind, count])).toEqual([
      ['framing', 1],
      ['unexpected-command', 1],
      ['framing', 3],
    ]);
  });

  it('is named with the id of its connection in hex', async () => {
    const { log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.send('hello');
    await until(() => log.messages.length === 1);
    client.write(Buffer.of(0xff));
    const { peerId } = await log.untilViolation('framing');
    expect(peerId).toBe(Buffer.from(log.messages[0]!.peerId, 'latin1').toString('hex'));
  });
});
