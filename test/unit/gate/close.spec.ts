import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { Dealer } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { createGate, GateLog, leftIn, NOTHING_LEFT, openGate } from '../../support/gate.js';
import { GREETING, longHeader, messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS } from '../../support/transports.js';
import { elapsed, onCleanup, until } from '../../support/zmq-app.js';

/** A connection that reads nothing from now on. */
async function openDeaf(endpoint: string): Promise<Socket> {
  const { socket } = await RawZmtp.open(endpoint);
  socket.pause();
  return socket;
}

describe.each(TRANSPORTS)('closing a gate, over %s', transport => {
  const openGate = gateOver(transport);

  it('frees the port and leaves nothing, with peers in every state', async () => {
    const { server, log, endpoint } = await openGate({
      maxMessageSize: 1024 ** 2,
      gate: { policies: { framing: 'tarpit' } },
    });
    const whole = await RawZmtp.open(endpoint);
    whole.send('done');
    await until(() => log.messages.length === 1);
    const silent = new RawZmtp(endpoint);
    await silent.connected();
    const greeted = new RawZmtp(endpoint);
    greeted.write(GREETING);
    const partial = await RawZmtp.open(endpoint);
    partial.write(longHeader(1, 500_000n), Buffer.alloc(100_000));
    const stuck = await RawZmtp.open(endpoint);
    stuck.write(Buffer.of(0xff, 0xff));
    await log.untilViolation('framing');
    await openDeaf(endpoint);
    await until(() => server.usage.connections === 5 && server.ledger.receiving.used > 0);
    await server.close();
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
    const next = createServer();
    next.listen(Number(endpoint.split(':').at(-1)), '127.0.0.1');
    await once(next, 'listening');
    next.close();
    for (const client of [whole, silent, greeted, partial, stuck]) {
      await client.untilEnded();
    }
  });

  it('does not wait for those who are shut out', async () => {
    const { server, log, endpoint } = await openGate({
      gate: { policies: { framing: 'ban' }, tarpitTime: 60_000 },
    });
    const banned = await RawZmtp.open(endpoint);
    banned.write(Buffer.of(0xff));
    await banned.untilEnded();
    const shutOut = new RawZmtp(endpoint);
    await shutOut.reached();
    expect(log.violations).toMatchObject([{ kind: 'framing', action: 'ban' }]);
    expect(await elapsed(() => server.close())).toBeLessThan(2_000);
    await shutOut.untilEnded();
  });

  it('lets it arrive though the peer sends on, and does not wait for that to end', async () => {
    const { server, log, endpoint } = await openGate({ socket: { linger: 5_000 } });
    const client = await RawZmtp.open(endpoint);
    client.send('hello');
    await until(() => log.messages.length === 1);
    const flood = messageBytes('x'.repeat(1_000));
    let isFlooding = true;
    const write = () => {
      while (isFlooding && !client.socket.destroyed && client.socket.write(flood));
      if (isFlooding) {
        client.socket.once('drain', write);
      }
    };
    write();
    await until(() => log.messages.length > 100);
    const { peerId } = log.messages[0]!;
    void server.send(peerId, [Buffer.alloc(200_000), Buffer.from('last')]);
    const took = await elapsed(() => server.close());
    isFlooding = false;
    expect(took).toBeLessThan(2_500);
    await client.untilEnded();
    expect(client.messages.at(-1)?.[1]).toBe('last');
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('cuts off what a peer does not take within the linger time', async () => {
    const { server, log, endpoint } = await openGate({ socket: { linger: 100 } });
    const deaf = await openDeaf(endpoint);
    deaf.write(messageBytes('hello'));
    await until(() => log.messages.length === 1);
    const { peerId } = log.messages[0]!;
    for (let index = 0; index < 300; index++) {
      void server.send(peerId, [Buffer.alloc(64 * 1024)]);
    }
    const took = await elapsed(() => server.close());
    expect(took).toBeGreaterThanOrEqual(95);
    expect(took).toBeLessThan(2_000);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('takes nothing more, and says so', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.send('hello');
    await until(() => log.messages.length === 1);
    const { peerId } = log.messages[0]!;
    await server.close();
    expect(await server.send(peerId, [Buffer.from('late')])).toBe('closed');
    expect(log.messages).toHaveLength(1);
  });
});

describe('closing a gate of a client of libzmq', () => {
  it('lets what was sent right before arrive', async () => {
    const { server, log, endpoint } = await openGate({ socket: { linger: 5_000 } });
    const client = new Dealer({ linger: 0, receiveTimeout: 5_000 });
    onCleanup(() => client.close());
    client.connect(endpoint);
    await client.send('hello');
    await until(() => log.messages.length === 1);
    const { peerId } = log.messages[0]!;
    const body = Buffer.alloc(64 * 1024, 7);
    for (let index = 0; index < 200; index++) {
      // Each waits for room at most, not for the peer to have read it.
      expect(await server.send(peerId, [Buffer.from(String(index)), body])).toBe('sent');
    }
    const closed = server.close();
    for (let index = 0; index < 200; index++) {
      const [text, received] = await client.receive();
      expect([String(text), body.equals(received as Buffer)]).toEqual([String(index), true]);
    }
    await closed;
  });
});

describe.each(TRANSPORTS)('a peer that leaves a gate, over %s', transport => {
  const openGate = gateOver(transport);

  it('has all its messages delivered that it sent before', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    const count = 20_000;
    client.socket.end(Buffer.concat(Array.from({ length: count }, (_, index) => messageBytes(String(index)))));
    await until(() => log.gone.length === 1, 10_000);
    expect(log.texts).toEqual(Array.from({ length: count }, (_, index) => [String(index)]));
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('has them delivered after it left, if the application took nothing meanwhile', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    server.pause();
    client.socket.end(Buffer.concat(Array.from({ length: 100 }, (_, index) => messageBytes(String(index)))));
    await once(client.socket, 'finish');
    server.resume();
    await until(() => log.gone.length === 1);
    expect(log.texts.flat()).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
  });

  it('is reported as gone once, after its last message, and what it began is forgotten', async () => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.socket.end(Buffer.concat([messageBytes('one'), longHeader(0, 60_000n), Buffer.alloc(100)]));
    await until(() => log.gone.length === 1);
    expect([log.texts, log.gone]).toEqual([[['one']], [{ peerId: log.messages[0]!.peerId, why: undefined }]]);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
    expect(server.send(log.gone[0]!.peerId, [Buffer.from('late')])).toBe('gone');
  });

  it('is not reported if it never finished the handshake', async () => {
    const { server, log, endpoint } = await openGate();
    const client = new RawZmtp(endpoint);
    client.write(GREETING);
    await until(() => server.usage.connections === 1);
    client.socket.destroy();
    await until(() => server.usage.connections === 0);
    expect([log.gone, log.violations]).toEqual([[], []]);
  });
});

describe('a gate of which one endpoint cannot be bound', () => {
  it('says which, and leaves nobody connected to the others', async () => {
    const taken = await openGate();
    const server = createGate({ bind: ['tcp://127.0.0.1:*', taken.endpoint] });
    await expect(server.open(new GateLog())).rejects.toMatchObject({
      code: 'BIND_FAILED',
      details: { endpoint: taken.endpoint },
    });
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
    expect(server.unwrap().some(({ listening }) => listening)).toBe(false);
  });
});
