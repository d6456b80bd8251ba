import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameFlag } from '../../../lib/zmtp/frame-header.js';
import { FakeClock } from '../../support/fake-clock.js';
import { leftIn, NOTHING_LEFT, type OpenGate } from '../../support/gate.js';
import { longHeader, messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS, type Transport } from '../../support/transports.js';
import { until } from '../../support/zmq-app.js';

const KIBI = 1024;
const gate = { messageTimeout: 1_000, minRate: '100kb' as const };

/** Awaits that the gate has got so many bytes of messages that are not complete. */
function untilLacking({ server }: OpenGate, reserved: number) {
  return until(() => server.ledger.receiving.used >= reserved);
}

async function open(transport: Transport, settings = gate) {
  const clock = new FakeClock();
  const opened = await gateOver(transport)({ clock, gate: settings, maxMessageSize: 4 * KIBI * KIBI });
  return { ...opened, clock, opened, client: await RawZmtp.open(opened.endpoint) };
}

describe.each(TRANSPORTS)('a message that was begun, over %s', transport => {
  it('has to be complete in time, however steadily its bytes trickle in (A4)', async () => {
    const { server, log, clock, opened, client } = await open(transport);
    client.write(longHeader(0, 50_000n), Buffer.alloc(1_000));
    await untilLacking(opened, 50_000);
    // 49 KB at the slowest rate allowed take another half a second.
    for (let passed = 0; passed < 1_400; passed += 100) {
      expect(log.violations).toEqual([]);
      await new Promise<void>(resolve => client.socket.write(Buffer.alloc(10), () => resolve()));
      clock.advance(100);
    }
    clock.advance(150);
    expect(log.violations).toMatchObject([{ id: 'A4', kind: 'message-timeout', figures: { limit: 1_000 } }]);
    await client.untilEnded();
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it.each<[what: string, bytes: Uint8Array]>([
    ['one byte of a header', Buffer.of(0)],
    ['most of a long header', longHeader(0, 5n).subarray(0, 8)],
    ['a frame that announces another', encodeFrame(FrameFlag.More, Buffer.from('x'))],
  ])('counts from its first byte, such as %s', async (_, bytes) => {
    const { log, clock, client, server } = await open(transport);
    client.write(messageBytes('before'), bytes);
    await until(() => log.messages.length === 1 && server.wheel.size > 0);
    clock.advance(1_050);
    await client.untilEnded();
    expect(log.kinds).toEqual(['message-timeout']);
  });

  it('gets the time that its size needs at the slowest rate allowed, each frame of it', async () => {
    const { log, clock, opened, client } = await open(transport);
    client.write(encodeFrame(FrameFlag.More, Buffer.from('head')).subarray(0, 5));
    await until(() => opened.server.wheel.size > 0);
    clock.advance(900);
    client.write(Buffer.from('d'), longHeader(0, BigInt(500 * KIBI)), Buffer.alloc(10));
    await untilLacking(opened, 500 * KIBI);
    clock.advance(4_900);
    expect(log.violations).toEqual([]);
    client.write(Buffer.alloc(500 * KIBI - 10));
    await until(() => log.messages.length === 1);
    clock.advance(60_000);
    expect(log.violations).toEqual([]);
  });

  it('has its own time, though the peer is always in the middle of one', async () => {
    const { log, clock, client, server } = await open(transport);
    const message = messageBytes('x'.repeat(100));
    client.write(message.subarray(0, 50));
    await until(() => server.wheel.size > 0);
    for (let count = 1; count <= 10; count++) {
      clock.advance(500);
      client.write(message.subarray(50), message.subarray(0, 50));
      await until(() => log.messages.length === count || client.hasEnded);
    }
    expect(log.violations).toEqual([]);
  });

  it('is given up by the policy that the user wants', async () => {
    const { log, clock, client, server } = await open(transport, {
      ...gate,
      policies: { 'message-timeout': 'tarpit' },
    } as typeof gate);
    client.write(Buffer.of(0));
    await until(() => server.wheel.size > 0);
    clock.advance(1_050);
    expect(await log.untilViolation('message-timeout')).toMatchObject({ action: 'tarpit' });
    expect(client.hasEnded).toBe(false);
  });
});

describe.each(TRANSPORTS)('a message whose memory others wait for, over %s', transport => {
  const openGate = gateOver(transport);

  const MEBI = KIBI * KIBI;
  const settings = { maxMessageSize: MEBI, messageOverhead: 64 * KIBI, receiving: 2 * MEBI };

  /** Nine addresses that each hold most of a megabyte and send no more of it. */
  async function openHolders(endpoint: string) {
    const holders: RawZmtp[] = [];
    for (let index = 0; index < 9; index++) {
      const holder = await RawZmtp.open(endpoint, { localAddress: `127.0.0.${10 + index}` });
      holder.write(longHeader(0, BigInt(MEBI)), Buffer.alloc(900 * KIBI));
      holders.push(holder);
    }
    return holders;
  }

  it('is given up if it does not get on, and the honest message gets through (A4)', async () => {
    const { server, log, endpoint } = await openGate(settings);
    const holders = await openHolders(endpoint);
    await until(() => server.ledger.receiving.waiters > 0);
    const honest = await RawZmtp.open(endpoint);
    const start = performance.now();
    honest.send(Buffer.alloc(MEBI, 1));
    await until(() => log.messages.length > 0, 10_000);
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(log.messages[0]!.frames[0]!.every(byte => byte === 1)).toBe(true);
    expect(new Set(log.kinds)).toEqual(new Set(['message-stalled']));
    expect(log.violations.map(({ id, address }) => [id, address === '127.0.0.1'])).not.toContainEqual(['A4', true]);
    holders.forEach(holder => holder.socket.destroy());
    honest.socket.destroy();
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('is kept if nobody waits for it', async () => {
    const { server, log, endpoint } = await openGate(settings);
    const client = await RawZmtp.open(endpoint);
    client.write(longHeader(0, BigInt(MEBI)), Buffer.alloc(900 * KIBI));
    await until(() => server.ledger.receiving.used > 0);
    await new Promise(resolve => setTimeout(resolve, 400));
    client.write(Buffer.alloc(124 * KIBI));
    await until(() => log.messages.length === 1);
    expect(log.violations).toEqual([]);
  });

  it('is complete though its large frames do not fit into any share', async () => {
    const { log, endpoint } = await openGate(settings);
    const client = await RawZmtp.open(endpoint);
    client.write(messageBytes(Buffer.alloc(500 * KIBI, 1), Buffer.alloc(500 * KIBI, 2)));
    await until(() => log.messages.length === 1, 4_000);
    expect(log.messages[0]!.frames.map(({ length }) => length)).toEqual([500 * KIBI, 500 * KIBI]);
    expect(log.violations).toEqual([]);
  });

  it('is complete if it is as large as allowed, though the memory is no larger', async () => {
    const { log, server, endpoint } = await openGate({ ...settings, receiving: MEBI });
    const client = await RawZmtp.open(endpoint);
    client.send(Buffer.alloc(server.maxMessageBytes, 1));
    client.send('next');
    await until(() => log.messages.length === 2, 4_000);
    expect(log.violations).toEqual([]);
  });

  it('is complete, one after the other, of many honest peers at once', async () => {
    const { server, log, endpoint } = await openGate(settings);
    const clients = await Promise.all(
      Array.from({ length: 12 }, (_, index) => RawZmtp.open(endpoint, { localAddress: `127.0.0.${10 + index}` })),
    );
    for (const client of clients) {
      client.send(Buffer.alloc(500 * KIBI, 1), Buffer.alloc(400 * KIBI, 2));
      client.send(Buffer.alloc(MEBI, 3));
    }
    await until(() => log.messages.length === 24, 10_000);
    expect(log.violations).toEqual([]);
    clients.forEach(client => client.socket.destroy());
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });
});

describe.each(TRANSPORTS)(
  'a message that its sender, or others of its address, hold up by sending too fast, over %s',
  transport => {
    const openGate = gateOver(transport);

    it('does not keep others waiting for as long as they like (A4)', async () => {
      const { server, log, endpoint } = await openGate({
        maxMessageSize: KIBI * KIBI,
        messageOverhead: 64 * KIBI,
        receiving: 2 * KIBI * KIBI,
        gate: { addressRate: { messages: 100 } },
      });
      // Each packet of a batch counts, so that one connection exceeds the rate for all of its address.
      log.onMessage = (_, frames, account) => account.spend(String(frames[0]) === 'batch' ? 10_000 : 0);
      for (let index = 0; index < 9; index++) {
        const localAddress = `127.0.0.${10 + index}`;
        const holder = await RawZmtp.open(endpoint, { localAddress });
        holder.write(longHeader(0, BigInt(KIBI * KIBI)), Buffer.alloc(900 * KIBI));
        const spoiler = await RawZmtp.open(endpoint, { localAddress });
        spoiler.send('batch');
        // Behind this the connection is not read any more.
        holder.write(Buffer.alloc(1_000));
      }
      await until(() => server.ledger.receiving.waiters > 0);
      const honest = await RawZmtp.open(endpoint);
      const start = performance.now();
      honest.send(Buffer.alloc(KIBI * KIBI, 1));
      await until(() => log.messages.some(({ account }) => account.address === '127.0.0.1'), 12_000);
      expect(performance.now() - start).toBeLessThan(8_000);
      expect(log.violations.filter(({ address }) => address === '127.0.0.1')).toEqual([]);
    });
  },
);
