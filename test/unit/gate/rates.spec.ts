import { describe, expect, it } from 'vitest';
import type { ZmqGateOptions } from '../../../lib/options/gate-options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { resolveGate } from '../../support/gate.js';
import { messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS, type Transport } from '../../support/transports.js';
import { until } from '../../support/zmq-app.js';

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) {
    await new Promise(resolve => setImmediate(resolve));
  }
};

async function open(transport: Transport, gate: ZmqGateOptions) {
  const clock = new FakeClock();
  const opened = await gateOver(transport)({ clock, gate });
  return { clock, ...opened };
}

/** Lets time pass in steps, and the gate read in between. */
async function pass(clock: FakeClock, ms: number) {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100);
    await turns(5);
  }
}

const texts = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const flood = (count: number) => Buffer.concat(texts(count).map(text => messageBytes(text)));

describe.each(TRANSPORTS)('a peer that sends faster than it may, over %s', transport => {
  it('is not read for a while, and loses nothing (A3)', async () => {
    const { clock, log, endpoint } = await open(transport, { rate: { messages: 100 } });
    const client = await RawZmtp.open(endpoint);
    client.write(flood(1_000));
    expect(await log.untilViolation('message-rate')).toMatchObject({
      id: 'A3',
      action: 'pause',
      figures: { limit: 100 },
    });
    await turns(20);
    // A burst of one second's worth, and what was looked at together.
    expect(log.messages.length).toBeLessThanOrEqual(108);
    await pass(clock, 2_000);
    expect(log.messages.length).toBeGreaterThanOrEqual(280);
    expect(log.messages.length).toBeLessThanOrEqual(320);
    await pass(clock, 8_000);
    await until(() => log.messages.length === 1_000);
    expect(log.texts.flat()).toEqual(texts(1_000));
    expect([log.gone, log.kinds.filter(kind => kind !== 'message-rate')]).toEqual([[], []]);
  });

  it('is held to bytes as well', async () => {
    const { clock, log, endpoint } = await open(transport, { rate: { bytes: '400kb' } });
    const client = await RawZmtp.open(endpoint);
    client.write(...Array.from({ length: 12 }, () => messageBytes(Buffer.alloc(100 * 1024))));
    expect(await log.untilViolation('byte-rate')).toMatchObject({ id: 'A3', action: 'pause' });
    await turns(20);
    expect(log.messages.length).toBeLessThanOrEqual(6);
    await pass(clock, 4_000);
    await until(() => log.messages.length === 12);
    expect(log.gone).toEqual([]);
  });

  it('shares the rate of its address with its other connections, but not with other addresses', async () => {
    const { log, endpoint } = await open(transport, { addressRate: { messages: 100 } });
    const clients = await Promise.all([1, 2, 3, 4].map(() => RawZmtp.open(endpoint)));
    clients.forEach(client => client.write(flood(200)));
    await log.untilViolation('message-rate');
    await turns(30);
    expect(log.messages.length).toBeLessThanOrEqual(100 + 4 * 8);
    const honest = await RawZmtp.open(endpoint, { localAddress: '127.0.0.2' });
    honest.send('honest');
    await until(() => log.texts.at(-1)?.[0] === 'honest');
  });

  it('is charged for the packets within its messages (A18)', async () => {
    const { clock, log, endpoint } = await open(transport, { rate: { messages: 100 } });
    const client = await RawZmtp.open(endpoint);
    log.onMessage = (_, __, account) => account.spend(1_000);
    client.send('batch');
    await log.untilViolation('message-rate');
    client.send('next');
    await turns(20);
    expect(log.messages).toHaveLength(1);
    await pass(clock, 8_900);
    expect(log.messages).toHaveLength(1);
    await pass(clock, 200);
    await until(() => log.messages.length === 2);
  });
});

describe.each(TRANSPORTS)('limits that change while the gate runs, over %s', transport => {
  it('let go on at once who waited for a lower rate', async () => {
    const { server, clock, log, endpoint } = await open(transport, { rate: { messages: 1 } });
    const client = await RawZmtp.open(endpoint);
    client.write(flood(100));
    await log.untilViolation('message-rate');
    await pass(clock, 1_000);
    expect(log.messages.length).toBeLessThan(20);
    server.limits = resolveGate({ rate: { messages: 10_000 } });
    await pass(clock, 200);
    await until(() => log.messages.length === 100);
  });

  it('hold back who was free before', async () => {
    const { server, log, endpoint } = await open(transport, {});
    const client = await RawZmtp.open(endpoint);
    client.write(flood(1_000));
    await until(() => log.messages.length === 1_000);
    server.limits = resolveGate({ rate: { messages: 10 } });
    client.write(flood(1_000));
    await log.untilViolation('message-rate');
    await turns(20);
    expect(log.messages.length).toBeLessThanOrEqual(1_018);
  });

  it.each<[kind: string, limits: ZmqGateOptions, bytes: Uint8Array]>([
    ['too-many-frames', { maxFrames: 2 }, messageBytes('a', 'b', 'c')],
    ['command-too-large', { maxCommandSize: 64 }, Buffer.concat([Buffer.of(4, 100), Buffer.alloc(100)])],
  ])('hold for connections that there are: %s', async (kind, limits, bytes) => {
    const { server, log, endpoint } = await open(transport, {});
    const client = await RawZmtp.open(endpoint);
    server.limits = resolveGate(limits);
    client.write(bytes);
    await client.untilEnded();
    expect(log.kinds).toEqual([kind]);
  });

  it('hold for the commands of connections that there are', async () => {
    const { server, log, endpoint } = await open(transport, {});
    const client = await RawZmtp.open(endpoint);
    server.limits = resolveGate({ commandRate: 1 });
    client.write(...Array.from({ length: 31 }, () => Buffer.from([4, 5, 4, ...Buffer.from('PONG')])));
    await client.untilEnded();
    expect(log.kinds).toEqual(['command-rate']);
  });

  it('hold for how long a message may take', async () => {
    const { server, clock, log, endpoint } = await open(transport, {});
    const client = await RawZmtp.open(endpoint);
    server.limits = resolveGate({ messageTimeout: 200 });
    client.write(Buffer.of(0));
    await until(() => server.wheel.size > 0);
    clock.advance(250);
    expect(log.kinds).toEqual(['message-timeout']);
  });

  it('hold for who is let in, and what is done about violations', async () => {
    const { server, log, endpoint } = await open(transport, {});
    const client = await RawZmtp.open(endpoint);
    server.limits = resolveGate({ maxConnections: 1, policies: { framing: 'tarpit' } });
    await expect(RawZmtp.open(endpoint)).rejects.toThrow('hung up');
    client.write(Buffer.of(0xff));
    expect(await log.untilViolation('framing')).toMatchObject({ action: 'tarpit' });
  });

  it('hold for what counts as noise', async () => {
    const { server, log, endpoint } = await open(transport, { noiseRate: 1_000 });
    const client = await RawZmtp.open(endpoint);
    client.send('hello');
    await until(() => log.messages.length === 1);
    const { peerId } = log.messages[0]!;
    server.note(peerId, 'noise');
    expect(log.violations).toMatchObject([{ id: 'A23', kind: 'noise', action: 'refuse' }]);
    server.limits = resolveGate({ noiseRate: 1 });
    for (let index = 0; index < 10; index++) {
      server.note(peerId, 'noise');
    }
    await client.untilEnded();
    expect(log.gone).toMatchObject([{ why: 'noise' }]);
  });
});
