import { describe, expect, it } from 'vitest';
import { leftIn, NOTHING_LEFT, type GateSettings } from '../../support/gate.js';
import { RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS, type Transport } from '../../support/transports.js';
import { onCleanup, until } from '../../support/zmq-app.js';

const BODY = Buffer.alloc(64 * 1024, 7);
const MEBI = 1024 ** 2;

async function openWithPeer(transport: Transport, settings: GateSettings) {
  const opened = await gateOver(transport)(settings);
  const client = await RawZmtp.open(opened.endpoint);
  client.send('hello');
  await until(() => opened.log.messages.length === 1);
  return { ...opened, client, peerId: opened.log.messages[0]!.peerId };
}

/** Sends until the gate has to wait for the peer, and not just for its own turn; resolves with what it waits for then. */
async function fill(send: () => unknown): Promise<{ readonly last: Promise<unknown> }> {
  for (let count = 0; count < 1_000; count++) {
    const last = Promise.resolve(send());
    const waits = new Promise(resolve => setTimeout(resolve, 100, 'waits'));
    if ((await Promise.race([last, waits])) === 'waits') {
      return { last };
    }
  }
  throw new Error('The gate takes more than a peer can');
}

describe.each(TRANSPORTS)('a peer that does not take its replies, over %s', transport => {
  it('makes sending wait, and is given up after the stall timeout (A8)', async () => {
    const { server, log, client, peerId } = await openWithPeer(transport, {
      stallTimeout: 300,
      gate: { minRate: '1mb' },
    });
    client.socket.pause();
    const start = performance.now();
    const { last } = await fill(() => server.send(peerId, [BODY]));
    expect(server.ledger.held.used).toBeGreaterThan(256 * 1024);
    expect(await last).toBe('gone');
    expect(performance.now() - start).toBeGreaterThanOrEqual(295);
    expect(log.violations).toMatchObject([{ id: 'A8', kind: 'reply-stalled', address: '127.0.0.1' }]);
    expect(log.gone).toEqual([{ peerId, why: 'reply-stalled' }]);
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('is given up as well if it trickles (A8)', async () => {
    const { server, log, client, peerId } = await openWithPeer(transport, {
      stallTimeout: 400,
      gate: { minRate: '1gb' },
    });
    client.socket.pause();
    const trickle = setInterval(() => client.socket.read(1_000), 20);
    onCleanup(() => clearInterval(trickle));
    const { last } = await fill(() => server.send(peerId, [BODY]));
    expect(await last).toBe('gone');
    expect(log.kinds).toEqual(['reply-stalled']);
  });

  it('is served on once it takes them again', async () => {
    const { server, log, client, peerId } = await openWithPeer(transport, { stallTimeout: 5_000 });
    client.socket.pause();
    let sent = 0;
    const { last } = await fill(() => {
      sent++;
      return server.send(peerId, [Buffer.from(String(sent)), BODY]);
    });
    client.socket.resume();
    expect(await last).toBe('sent');
    await until(() => client.messages.length === sent);
    expect(client.messages.map(([text]) => text)).toEqual(
      Array.from({ length: sent }, (_, index) => String(index + 1)),
    );
    await until(() => server.ledger.held.used === 0);
    expect(log.violations).toEqual([]);
  });

  it('does not hold up another', async () => {
    const { server, log, endpoint, client, peerId } = await openWithPeer(transport, { stallTimeout: 5_000 });
    client.socket.pause();
    void fill(() => server.send(peerId, [BODY]));
    log.onMessage = (id, frames) => void server.send(id, frames);
    const other = await RawZmtp.open(endpoint);
    for (let count = 1; count <= 100; count++) {
      other.send(String(count));
      await until(() => other.messages.length === count);
    }
    expect(other.messages.flat().at(-1)).toBe('100');
  });
});

describe.each(TRANSPORTS)('the share of memory, over %s', transport => {
  const openGate = gateOver(transport);

  it('pauses a connection above it and resumes it, losing nothing (A7)', async () => {
    const { server, log, endpoint } = await openGate({ held: 8 * MEBI, maxMessageSize: MEBI });
    const settle: (() => void)[] = [];
    log.onMessage = (_, frames, account) => {
      const bytes = frames.reduce((sum, { length }) => sum + length, 0);
      account.charge(bytes);
      settle.push(() => account.release(bytes));
    };
    const client = await RawZmtp.open(endpoint);
    for (let index = 0; index < 60; index++) {
      client.send(String(index), BODY);
    }
    expect(await log.untilViolation('memory-share')).toMatchObject({ id: 'A7', action: 'pause' });
    await new Promise(resolve => setTimeout(resolve, 50));
    // A quarter of what the application may hold, and the message that went beyond.
    expect(log.messages.length).toBeLessThanOrEqual(33);
    const other = await RawZmtp.open(endpoint, { localAddress: '127.0.0.2' });
    other.send('other');
    await until(() => log.texts.some(([text]) => text === 'other'));
    while (log.messages.length < 61 || settle.length > 0) {
      settle.shift()?.();
      await new Promise(resolve => setImmediate(resolve));
    }
    const numbers = log.texts.map(([text]) => text).filter(text => text !== 'other');
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, index) => String(index)));
    expect([server.ledger.held.used, log.gone]).toEqual([0, []]);
  });

  it('stays charged after the connection has gone, until it is settled', async () => {
    const { server, log, endpoint } = await openGate();
    let release = (): void => undefined;
    log.onMessage = (_, __, account) => {
      account.charge(1_000);
      release = () => account.release(1_000);
    };
    const client = await RawZmtp.open(endpoint);
    client.send('hello');
    await until(() => log.messages.length === 1);
    client.socket.destroy();
    await until(() => server.usage.connections === 0);
    expect(server.ledger.held.used).toBe(1_000);
    release();
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });
});
