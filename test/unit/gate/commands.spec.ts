import { Dealer } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../../../lib/zmtp/command.js';
import { encodePing, encodePong } from '../../../lib/zmtp/commands.js';
import { encodeFrame } from '../../../lib/zmtp/frame-header.js';
import { encodeSubscribe } from '../../../lib/zmtp/subscription.js';
import { FakeClock } from '../../support/fake-clock.js';
import { leftIn, NOTHING_LEFT, openGate } from '../../support/gate.js';
import { GREETING, longHeader, messageBytes, RawZmtp, READY } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS } from '../../support/transports.js';
import { onCleanup, until } from '../../support/zmq-app.js';

describe.each(TRANSPORTS)('a command after the handshake, over %s', transport => {
  const openGate = gateOver(transport);

  it.each(['', 'x', 'sixteen bytes ok'])('that is a PING is answered with its context "%s"', async context => {
    const { endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.write(encodePing(10, Buffer.from(context)));
    await until(() => client.commandNames.includes('PONG'));
    expect(String(client.commands.at(-1)?.data)).toBe(context);
  });

  it('may come between the frames of a message', async () => {
    const { log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    const message = messageBytes('one', 'two');
    client.write(message.subarray(0, 5), encodePing(10), message.subarray(5));
    await until(() => log.messages.length === 1);
    expect(log.texts).toEqual([['one', 'two']]);
  });

  it('that nobody knows is taken no notice of', async () => {
    const { log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.write(encodeCommand('WHATEVER', Buffer.alloc(100)), encodePong(Buffer.alloc(0)), messageBytes('after'));
    await until(() => log.messages.length === 1);
    expect(log.violations).toEqual([]);
  });

  it.each<[what: string, bytes: Uint8Array, kind: string, id: string]>([
    ['is longer than allowed (A11)', encodeFrame(4, Buffer.alloc(1_025)), 'command-too-large', 'A11'],
    ['declares 2^40 bytes (A11)', longHeader(4, 2n ** 40n), 'command-too-large', 'A11'],
    ['has no name (A11)', encodeFrame(4, Buffer.alloc(0)), 'unexpected-command', 'A11'],
    ['is a PING without its time (A11)', encodeCommand('PING', Buffer.alloc(1)), 'unexpected-command', 'A11'],
    ['is a PING with too much context (A11)', encodeCommand('PING', Buffer.alloc(19)), 'unexpected-command', 'A11'],
    ['begins a second handshake', READY, 'unexpected-command', 'A11'],
    ['is a SUBSCRIBE (A10)', encodeSubscribe(Buffer.from('topic'), 'command'), 'subscription', 'A10'],
  ])('ends the connection if it %s', async (_, bytes, kind, id) => {
    const { server, log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.write(bytes, messageBytes('never'));
    await client.untilEnded();
    expect(log.violations).toMatchObject([{ id, kind, action: 'disconnect' }]);
    expect(log.messages).toEqual([]);
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('is one of too many when they come too fast (A11)', async () => {
    const clock = new FakeClock();
    const { log, endpoint } = await openGate({ clock, gate: { commandRate: 2 } });
    const client = await RawZmtp.open(endpoint);
    client.write(...Array.from({ length: 59 }, () => encodePing(10)));
    await until(() => client.commandNames.filter(name => name === 'PONG').length === 59);
    clock.advance(2_000);
    client.write(...Array.from({ length: 4 }, () => encodePing(10)));
    await until(() => client.commandNames.filter(name => name === 'PONG').length === 63);
    expect(log.violations).toEqual([]);
    client.write(encodePing(10));
    expect(await log.untilViolation('command-rate')).toMatchObject({ id: 'A11', figures: { limit: 2 } });
    await client.untilEnded();
  });
});

describe.each(TRANSPORTS)('a silent peer, over %s', transport => {
  const openGate = gateOver(transport);

  const gate = { heartbeatInterval: 2_000, heartbeatTimeout: 10_000 };

  it('is pinged, and lives if it answers', async () => {
    const clock = new FakeClock();
    const { server, log, endpoint } = await openGate({ clock, gate });
    const client = await RawZmtp.open(endpoint);
    for (let pings = 1; pings <= 8; pings++) {
      clock.advance(4_000);
      await until(() => client.commandNames.filter(name => name === 'PING').length >= pings);
      const { usage } = server;
      expect(usage.connections).toBe(1);
      client.write(encodePong(Buffer.alloc(0)));
      client.send(String(pings));
      // The answer has arrived once what was sent behind it has.
      await until(() => log.messages.length === pings);
    }
    expect(log.gone).toEqual([]);
  });

  it('that does not answer is dropped, without a word of blame', async () => {
    const clock = new FakeClock();
    const { server, log, endpoint } = await openGate({ clock, gate });
    const client = await RawZmtp.open(endpoint);
    clock.advance(9_000);
    expect(log.gone).toEqual([]);
    clock.advance(3_000);
    await client.untilEnded();
    expect([log.gone.map(({ why }) => why), log.violations]).toEqual([[undefined], []]);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('of ZMTP 3.0, which knows no heartbeats, is left alone', async () => {
    const clock = new FakeClock();
    const { log, endpoint } = await openGate({ clock, gate });
    const greeting = Buffer.from(GREETING);
    greeting[11] = 0;
    const client = new RawZmtp(endpoint);
    await client.handshake(Buffer.concat([greeting, READY]));
    clock.advance(60_000);
    client.send('still there');
    await until(() => log.messages.length === 1);
    expect(client.commandNames).toEqual(['READY']);
  });

  it('that is not read is not taken for dead', async () => {
    const clock = new FakeClock();
    const { server, log, endpoint } = await openGate({ clock, gate });
    const client = await RawZmtp.open(endpoint);
    server.pause();
    client.send('waits');
    await until(() => server.stashes.bytes > 0);
    clock.advance(60_000);
    server.resume();
    await until(() => log.messages.length === 1);
    expect(log.gone).toEqual([]);
  });
});

describe('a socket of libzmq', () => {
  it('answers heartbeats, and its own are answered', async () => {
    const { server, log, endpoint } = await openGate({ gate: { heartbeatInterval: 100, heartbeatTimeout: 3_000 } });
    const client = new Dealer({ linger: 0, heartbeatInterval: 50, heartbeatTimeout: 300, receiveTimeout: 5_000 });
    onCleanup(() => client.close());
    client.connect(endpoint);
    await client.send('hello');
    await until(() => log.messages.length === 1);
    await new Promise(resolve => setTimeout(resolve, 700));
    void server.send(log.messages[0]!.peerId, [Buffer.from('back')]);
    expect(String((await client.receive())[0])).toBe('back');
    expect(log.gone).toEqual([]);
  });
});
