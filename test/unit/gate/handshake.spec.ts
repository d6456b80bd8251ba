import { Dealer, Request, Subscriber } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../../../lib/zmtp/command.js';
import { encodePlainHello, encodePlainInitiate, encodeReady } from '../../../lib/zmtp/commands.js';
import { encodeFrame } from '../../../lib/zmtp/frame-header.js';
import { encodeGreeting } from '../../../lib/zmtp/greeting.js';
import { leftIn, NOTHING_LEFT, openGate, plainBind } from '../../support/gate.js';
import { GREETING, HANDSHAKE, longHeader, messageBytes, RawZmtp, READY } from '../../support/raw-zmtp.js';
import { onCleanup, until } from '../../support/zmq-app.js';

const PLAIN_GREETING = encodeGreeting({ mechanism: 'PLAIN', asServer: false });
const isAnn = (username: string, password: string) => username === 'ann' && password === 'sesame';

function dealer(endpoint: string, options: object = {}): Dealer {
  const socket = new Dealer({ linger: 0, receiveTimeout: 5_000, ...options });
  onCleanup(() => socket.close());
  socket.connect(endpoint);
  return socket;
}

/** The greeting with one byte replaced. */
function greetingWith(at: number, byte: number): Buffer {
  const greeting = Buffer.from(GREETING);
  greeting[at] = byte;
  return greeting;
}

describe('the handshake of the gate', () => {
  it('lets DEALER and REQ of libzmq in, and answers the one that asked', async () => {
    const { server, log, endpoint } = await openGate();
    log.onMessage = (peerId, frames) => void server.send(peerId, frames);
    const request = new Request({ linger: 0, receiveTimeout: 5_000 });
    onCleanup(() => request.close());
    request.connect(endpoint);
    const other = dealer(endpoint);
    await request.send('question');
    await other.send(['a', '', 'b']);
    expect((await request.receive()).map(String)).toEqual(['question']);
    expect((await other.receive()).map(String)).toEqual(['a', '', 'b']);
    expect(log.texts).toContainEqual(['', 'question']);
  });

  it.each<[what: string, bytes: Uint8Array]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])],
    ['ZMTP 1.0 without an identity', Buffer.from([0x01, 0x00])],
    ['ZMTP 2.0', Buffer.concat([GREETING.subarray(0, 10), Buffer.from([1, 5, 0, 0])])],
    ['a signature without its end', greetingWith(9, 0x7e)],
    ['another mechanism', encodeGreeting({ mechanism: 'PLAIN', asServer: false })],
    ['CURVE', Buffer.concat([GREETING.subarray(0, 12), Buffer.from('CURVE'), Buffer.alloc(47)])],
    ['a filler that is not zero', greetingWith(50, 1)],
    ['a message instead of READY', Buffer.concat([GREETING, messageBytes('hello')])],
    ['READY without a socket type', Buffer.concat([GREETING, encodeReady({ Identity: 'x' })])],
    [
      'READY of a socket type that may not talk to ROUTER',
      Buffer.concat([GREETING, encodeReady({ 'Socket-Type': 'PUSH' })]),
    ],
    ['READY of an unknown socket type', Buffer.concat([GREETING, encodeReady({ 'Socket-Type': '__proto__' })])],
    [
      'READY whose property is longer than the rest',
      Buffer.concat([GREETING, encodeFrame(4, Buffer.from('\x05READY\x01a\x7f\xff\xff\xff', 'latin1'))]),
    ],
    [
      'READY that is too large',
      Buffer.concat([GREETING, encodeReady({ 'Socket-Type': 'DEALER', 'X-a': Buffer.alloc(5_000) })]),
    ],
    ['READY that declares 2^40 bytes', Buffer.concat([GREETING, longHeader(4, 2n ** 40n)])],
  ])('refuses %s with one report of A12, and delivers nothing of it', async (_, bytes) => {
    const { server, log, endpoint } = await openGate();
    const client = new RawZmtp(endpoint);
    client.write(bytes, messageBytes('never'));
    await client.untilEnded();
    expect(log.violations).toMatchObject([
      { id: 'A12', kind: 'handshake', address: '127.0.0.1', action: 'disconnect' },
    ]);
    expect([log.messages, log.gone]).toEqual([[], []]);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it.each<[what: string, bytes: Uint8Array, kind: string, id: string]>([
    ['reserved flags', Buffer.from([0x08, 0]), 'framing', 'A12'],
    ['a length of 2^63', longHeader(4, 2n ** 63n), 'framing', 'A12'],
    ['another command than READY', encodeCommand('PING', Buffer.alloc(2)), 'unexpected-command', 'A11'],
    ['HELLO, which belongs to PLAIN', encodePlainHello('ann', 'sesame'), 'unexpected-command', 'A11'],
    ['a command without a name', encodeFrame(4, Buffer.from([0])), 'unexpected-command', 'A11'],
    ['SUB', encodeReady({ 'Socket-Type': 'SUB' }), 'subscription', 'A10'],
    ['XSUB', encodeReady({ 'Socket-Type': 'XSUB' }), 'subscription', 'A10'],
    [
      'an identity of 256 bytes',
      encodeReady({ 'Socket-Type': 'DEALER', Identity: 'x'.repeat(256) }),
      'identity',
      'A13',
    ],
  ])('refuses %s after the greeting', async (_, bytes, kind, id) => {
    const { log, endpoint } = await openGate();
    const client = new RawZmtp(endpoint);
    client.write(GREETING, bytes);
    await client.untilEnded();
    expect(log.violations).toMatchObject([{ id, kind, address: '127.0.0.1', count: 1 }]);
  });

  it('tells whom it refuses why', async () => {
    const { endpoint } = await openGate();
    const client = new RawZmtp(endpoint);
    client.write(GREETING, encodeReady({ 'Socket-Type': 'PUB' }));
    await client.untilEnded();
    expect(client.commands.map(({ name, data }) => [name, String(data.subarray(1))])).toContainEqual([
      'ERROR',
      'handshake',
    ]);
  });

  it('refuses the subscriber of libzmq', async () => {
    const { log, endpoint } = await openGate();
    const subscriber = new Subscriber({ linger: 0, reconnectInterval: 10_000 });
    onCleanup(() => subscriber.close());
    subscriber.connect(endpoint);
    subscriber.subscribe('news');
    expect(await log.untilViolation('subscription')).toMatchObject({ id: 'A10', action: 'disconnect' });
  });

  it('takes greeting and READY byte by byte, with messages right behind', async () => {
    const { log, endpoint } = await openGate();
    const client = new RawZmtp(endpoint);
    await client.connected();
    for (const byte of HANDSHAKE) {
      await new Promise<void>(resolve => client.socket.write(Buffer.of(byte), () => resolve()));
    }
    client.send('hello');
    await until(() => log.texts.length === 1);
    expect(log.texts).toEqual([['hello']]);
  });

  it('accepts a later version of ZMTP, as the standard obliges it to', async () => {
    const { log, endpoint } = await openGate();
    const client = new RawZmtp(endpoint);
    client.write(greetingWith(10, 4), READY, messageBytes('hello'));
    await until(() => log.texts.length === 1);
    expect(log.violations).toEqual([]);
  });

  it('gives each connection an id of its own, whatever the peers call themselves', async () => {
    const { server, log, endpoint } = await openGate();
    log.onMessage = (peerId, frames) => void server.send(peerId, frames);
    const twins = [dealer(endpoint, { routingId: 'same' }), dealer(endpoint, { routingId: 'same' })];
    await Promise.all(twins.map((twin, index) => twin.send(`from ${index}`)));
    const answers = await Promise.all(twins.map(twin => twin.receive()));
    expect(answers.map(String)).toEqual(['from 0', 'from 1']);
    const ids = log.messages.map(({ peerId }) => peerId);
    expect(new Set(ids).size).toBe(2);
    expect(ids.filter(id => id.length !== 8 || id.includes('same'))).toEqual([]);
  });
});

describe('the handshake of the gate with PLAIN', () => {
  it('lets a client of libzmq in that knows the password', async () => {
    const { server, log, endpoint } = await openGate({ bind: plainBind(isAnn) });
    log.onMessage = (peerId, frames) => void server.send(peerId, frames);
    const client = dealer(endpoint, { plainUsername: 'ann', plainPassword: 'sesame' });
    await client.send('hello');
    expect(String((await client.receive())[0])).toBe('hello');
  });

  it('keeps a client of libzmq out that does not', async () => {
    const { log, endpoint } = await openGate({ bind: plainBind(isAnn) });
    const client = dealer(endpoint, { plainUsername: 'ann', plainPassword: 'wrong', reconnectInterval: 10_000 });
    void client.send('never').catch(() => undefined);
    expect(await log.untilViolation('not-authenticated')).toMatchObject({ id: 'A12', address: '127.0.0.1' });
    expect(log.messages).toEqual([]);
  });

  it.each<[what: string, bytes: Uint8Array, kind: string]>([
    ['NULL', HANDSHAKE, 'handshake'],
    [
      'INITIATE without HELLO',
      Buffer.concat([PLAIN_GREETING, encodePlainInitiate({ 'Socket-Type': 'DEALER' })]),
      'unexpected-command',
    ],
    ['READY without HELLO', Buffer.concat([PLAIN_GREETING, READY]), 'unexpected-command'],
    [
      'a HELLO that breaks off',
      Buffer.concat([PLAIN_GREETING, encodeCommand('HELLO', Buffer.from('\x03ann\x09sesame'))]),
      'unexpected-command',
    ],
    ['another server', encodeGreeting({ mechanism: 'PLAIN', asServer: true }), 'handshake'],
    [
      'a second HELLO',
      Buffer.concat([PLAIN_GREETING, encodePlainHello('ann', 'sesame'), encodePlainHello('ann', 'sesame')]),
      'unexpected-command',
    ],
  ])('refuses %s', async (_, bytes, kind) => {
    const { log, endpoint } = await openGate({ bind: plainBind(isAnn) });
    const client = new RawZmtp(endpoint);
    client.write(bytes);
    await client.untilEnded();
    expect(log.kinds).toEqual([kind]);
  });
});
