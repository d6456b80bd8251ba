import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Dealer, Reply, Router } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';
import { encodeCommand } from '../../../lib/zmtp/command.js';
import { encodeError, encodePing, encodePlainWelcome, encodePong, encodeReady } from '../../../lib/zmtp/commands.js';
import { encodeFrame, FrameFlag } from '../../../lib/zmtp/frame-header.js';
import {
  createGateClient,
  echo,
  GREETING,
  HANDSHAKE,
  messageBytes,
  openGateClient,
  PLAIN_GREETING,
  READY,
  startRawTcpServer,
  startZap,
} from '../../support/gate-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ClientLog } from '../../support/sockets.js';
import { onCleanup, until } from '../../support/zmq-app.js';

const NINE = Array.from({ length: 9 }, () => 'x');
const text = (...frames: readonly string[]) => frames.map(frame => Buffer.from(frame));

async function startRouter(options: object = {}): Promise<{ readonly router: Router; readonly endpoint: string }> {
  const router = new Router({ linger: 0, ...options });
  onCleanup(() => router.close());
  await router.bind('tcp://127.0.0.1:*');
  return { router, endpoint: router.lastEndpoint as string };
}

/** What a client makes of a server that sends these bytes. */
async function lossBy(bytes: Uint8Array): Promise<ClientLog> {
  const server = await startRawTcpServer(socket => socket.write(bytes));
  const { log } = openGateClient(server.endpoint);
  await until(() => log.losses.length > 0);
  return log;
}

describe('GateClientSocket with sockets of libzmq', () => {
  it('exchanges messages of several frames with a ROUTER, in order', async () => {
    const { router, endpoint } = await startRouter();
    echo(router);
    const { client, log } = openGateClient(endpoint);
    expect(await client.send(text('a', '', 'b'))).toBe('sent');
    for (let index = 0; index < 100; index++) {
      await client.send(text(String(index)));
    }
    await until(() => log.messages.length === 101);
    expect(log.messages[0]).toEqual(['a', '', 'b']);
    expect(log.messages.slice(1).map(String)).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
  });

  it('is answered by a REP, behind the empty frame that REP asks for', async () => {
    const reply = new Reply({ linger: 0 });
    onCleanup(() => reply.close());
    await reply.bind('tcp://127.0.0.1:*');
    const { client, log } = openGateClient(reply.lastEndpoint as string);
    await client.send(text('', 'question'));
    expect(String(await reply.receive())).toBe('question');
    await reply.send('answer');
    await until(() => log.messages.length === 1);
    expect(log.messages).toEqual([['', 'answer']]);
  });

  it('exchanges messages with a DEALER', async () => {
    const dealer = new Dealer({ linger: 0 });
    onCleanup(() => dealer.close());
    await dealer.bind('tcp://127.0.0.1:*');
    const { client, log } = openGateClient(dealer.lastEndpoint as string);
    await client.send(text('there'));
    expect(String(await dealer.receive())).toBe('there');
    await dealer.send('back');
    await until(() => log.messages.length === 1);
  });

  it('survives heartbeats that expect answers', async () => {
    const { router, endpoint } = await startRouter({ heartbeatInterval: 20, heartbeatTimeout: 60 });
    const { client, log } = openGateClient(endpoint);
    await client.send(text('hello'));
    const [peer] = await router.receive();
    await new Promise(resolve => setTimeout(resolve, 300));
    await router.send([peer as Buffer, 'still there']);
    await until(() => log.messages.length === 1);
    expect(log.losses).toEqual([]);
  });

  it('comes through PLAIN with the right password', async () => {
    const { context, asked } = await startZap((user, password) => user === 'ann' && password === 'sesame');
    const { router, endpoint } = await startRouter({ plainServer: true, zapDomain: 'test', context });
    echo(router);
    const { client, log } = openGateClient(endpoint, { plain: { username: 'ann', password: new Secret('sesame') } });
    await client.send(text('hello'));
    await until(() => log.messages.length === 1);
    expect(asked).toEqual(['ann']);
  });

  it('is lost once, with the reason of the server, when PLAIN is given the wrong password', async () => {
    const { context } = await startZap(() => false);
    const { endpoint } = await startRouter({ plainServer: true, zapDomain: 'test', context });
    const { client, log } = openGateClient(endpoint, { plain: { username: 'ann', password: new Secret('wrong') } });
    expect(await client.send(text('hello'))).toBe('gone');
    expect(log.losses).toEqual(["the handshake failed: the server said '400'"]);
  });

  it('is lost when a server of PLAIN is given NULL, and the reverse', async () => {
    const plain = await startRouter({ plainServer: true });
    const open = await startRouter();
    const credentials = { username: 'a', password: new Secret('b') };
    for (const { log } of [openGateClient(plain.endpoint), openGateClient(open.endpoint, { plain: credentials })]) {
      await until(() => log.losses.length > 0);
      expect(log.losses[0]).toMatch(/^the handshake failed/);
    }
  });

  it('carries 100 MB of all sizes there and back undamaged', { timeout: 60_000 }, async () => {
    const { router, endpoint } = await startRouter();
    echo(router);
    const client = createGateClient(endpoint, { maxMessageSize: 4 * 1024 ** 2 });
    const noise = randomBytes(4 * 1024 ** 2);
    const sizes = [0, 1, 255, 256, 2_048, 2_049, 8_192, 8_193, 65_527, 65_536, 65_537, 300_000, 1_048_576, 4_194_304];
    const sent = createHash('sha256');
    const got = createHash('sha256');
    let left = 100 * 1024 ** 2;
    let received = 0;
    let count = 0;
    client.open({
      message: frames => {
        received++;
        frames.forEach(frame => got.update(`${frame.length}:`).update(frame));
      },
      lost: reason => {
        throw new Error(reason);
      },
    });
    while (left > 0) {
      const size = sizes[count % sizes.length] as number;
      const start = (count * 997) % (noise.length - size + 1);
      const frames = [Buffer.from(String(count)), noise.subarray(start, start + size)];
      frames.forEach(frame => sent.update(`${frame.length}:`).update(frame));
      expect(await client.send(frames)).toBe('sent');
      left -= size;
      count++;
    }
    await until(() => received === count, 45_000);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
  });
});

describe('GateClientSocket and the life of a connection', () => {
  it('sends what was given before the handshake, and before it was opened', async () => {
    const { router, endpoint } = await startRouter();
    const client = createGateClient(endpoint);
    const outcome = client.send(text('early'));
    client.open(new ClientLog());
    expect(await outcome).toBe('sent');
    expect(String((await router.receive())[1])).toBe('early');
  });

  it('is lost once, when its server goes', async () => {
    const server = await startRawTcpServer(socket => socket.write(HANDSHAKE));
    const { client, log } = openGateClient(server.endpoint);
    await client.send(text('hello'));
    server.sockets[0]!.destroy();
    await until(() => log.losses.length > 0);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(log.losses).toEqual(['the connection was closed']);
    expect(await client.send(text('late'))).toBe('gone');
  });

  it('is lost when nobody listens, and gives up what waits', async () => {
    const server = await startRawTcpServer();
    const probe = connect(Number(server.endpoint.split(':').at(-1)), '127.0.0.1');
    const { localPort } = await new Promise<Socket>(resolve => probe.once('connect', () => resolve(probe)));
    probe.destroy();
    const { client, log } = openGateClient(`tcp://127.0.0.1:${localPort}`);
    expect(await client.send(text('hello'))).toBe('gone');
    expect(log.losses).toEqual(['the connection was refused or could not be made']);
  });

  it.each(['tcp://no-such-host.invalid:5555', 'tcp://127.0.0.1', 'ipc:///tmp/x', 'tcp://127.0.0.1:99999', ''])(
    'is lost when it is to connect to "%s"',
    async endpoint => {
      const { log } = openGateClient(endpoint);
      await until(() => log.losses.length > 0);
      expect(log.losses).toHaveLength(1);
    },
  );

  it('connects by name and over IPv6', async () => {
    const four = await startRawTcpServer(socket => socket.write(HANDSHAKE));
    const byName = openGateClient(four.endpoint.replace('127.0.0.1', 'localhost'));
    expect(await byName.client.send(text('a'))).toBe('sent');
    const six = await startRawTcpServer(socket => socket.write(HANDSHAKE), { host: '::1' });
    expect(await openGateClient(six.endpoint).client.send(text('a'))).toBe('sent');
  });

  it('uses the connection that it is given', async () => {
    const { router, endpoint } = await startRouter();
    echo(router);
    const port = Number(endpoint.split(':').at(-1));
    const { client, log } = openGateClient('given', { connect: () => connect(port, '127.0.0.1') });
    await client.send(text('hello'));
    await until(() => log.messages.length === 1);
    expect(client.unwrap()?.remotePort).toBe(port);
  });

  it('delivers what the server sent before it closed the connection', async () => {
    const server = await startRawTcpServer(socket =>
      socket.end(Buffer.concat([HANDSHAKE, messageBytes('one'), messageBytes('t', 'wo'), Buffer.from([0, 200, 1])])),
    );
    const { log } = openGateClient(server.endpoint);
    await until(() => log.losses.length > 0);
    expect(log.messages).toEqual([['one'], ['t', 'wo']]);
    expect(log.losses).toEqual(['the connection was closed']);
  });

  it('delivers what the server sent before it reset the connection, though writing fails first', async () => {
    const server = await startRawTcpServer(socket => socket.write(HANDSHAKE));
    const { client, log } = openGateClient(server.endpoint);
    await client.send(text('hello'));
    const socket = await server.connection();
    // All in one turn, so that nothing can be read in between.
    socket.write(messageBytes('last words'));
    socket.resetAndDestroy();
    for (let index = 0; index < 3; index++) {
      void client.send(text('in vain'));
      await Promise.resolve();
    }
    await until(() => log.losses.length > 0);
    expect(log.messages).toEqual([['last words']]);
    expect(log.losses).toEqual(['the connection was closed']);
  });

  it('waits while the server does not read, and is through with it once that has gone', async () => {
    const server = await startRawTcpServer(socket => socket.write(HANDSHAKE), { reads: false });
    const { client, log } = openGateClient(server.endpoint);
    await client.send(text('hello'));
    let outcome: string | Promise<string> = 'sent';
    for (let sent = 0; typeof outcome === 'string' && sent < 1_000; sent++) {
      outcome = client.send([Buffer.alloc(64 * 1024)]);
    }
    expect(typeof outcome).not.toBe('string');
    (await server.connection()).destroy();
    expect(await outcome).toMatch(/gone|sent/);
    await until(() => log.losses.length === 1);
  });

  it('is lost when the listener throws', async () => {
    const server = await startRawTcpServer(socket => socket.write(Buffer.concat([HANDSHAKE, messageBytes('a', 'b')])));
    const client = createGateClient(server.endpoint);
    const losses: string[] = [];
    client.open({
      message: () => {
        throw new Error('mine');
      },
      lost: reason => losses.push(reason),
    });
    await until(() => losses.length > 0);
    expect(losses).toEqual(['Error: mine']);
  });

  it('delivers nothing after it is closed in the middle of what it reads', async () => {
    const messages = Buffer.concat([1, 2, 3].map(index => messageBytes(String(index))));
    const server = await startRawTcpServer(socket => socket.write(Buffer.concat([HANDSHAKE, messages])));
    const client = createGateClient(server.endpoint);
    const seen: string[] = [];
    client.open({
      message: frames => {
        seen.push(String(frames[0]));
        client.close(0);
      },
      lost: reason => seen.push(reason),
    });
    await until(() => server.sockets[0]?.destroyed === true);
    expect(seen).toEqual(['1']);
  });

  it('may be closed twice, and tells nothing any more', async () => {
    const server = await startRawTcpServer(socket => socket.write(HANDSHAKE));
    const { client, log } = openGateClient(server.endpoint);
    await client.send(text('hello'));
    client.close(0);
    client.close(0);
    await until(() => server.sockets[0]!.destroyed);
    expect(log.losses).toEqual([]);
    expect(await client.send(text('late'))).toBe('closed');
  });

  it('gives up what waits for the handshake when it is closed', async () => {
    const server = await startRawTcpServer();
    const { client } = openGateClient(server.endpoint);
    const outcome = client.send(text('never'));
    client.close(0);
    expect(await outcome).toBe('closed');
    const unopened = createGateClient(server.endpoint);
    const waiting = unopened.send(text('never'));
    unopened.close(1_000);
    expect(await waiting).toBe('closed');
  });

  it('lets what was sent leave within the linger time, though the server has sent what nobody reads', async () => {
    const { router, endpoint } = await startRouter();
    const { client } = openGateClient(endpoint);
    for (let index = 0; index < 200; index++) {
      await client.send(text(String(index)));
    }
    const [peer] = await router.receive();
    await router.send([peer as Buffer, 'unread']);
    client.close(2_000);
    let last = '';
    for (let count = 1; count < 200; count++) {
      last = String((await router.receive())[1]);
    }
    expect(last).toBe('199');
  });

  it('lets a message leave that waits for the handshake when it is closed with a linger time', async () => {
    const { router, endpoint } = await startRouter();
    const { client } = openGateClient(endpoint);
    const outcome = client.send(text('hello'));
    client.close(2_000);
    expect(await outcome).toBe('sent');
    expect(String((await router.receive())[1])).toBe('hello');
    await until(() => client.unwrap()?.destroyed === true);
  });

  it('hangs up when the linger time is over', async () => {
    const clock = new FakeClock();
    const server = await startRawTcpServer(socket => socket.write(HANDSHAKE), { reads: false });
    const { client } = openGateClient(server.endpoint, { clock });
    await client.send(text('hello'));
    while (typeof client.send([Buffer.alloc(64 * 1024)]) === 'string');
    client.close(500);
    clock.advance(499);
    expect(client.unwrap()?.destroyed).toBe(false);
    clock.advance(1);
    expect(client.unwrap()?.destroyed).toBe(true);
  });
});

describe('GateClientSocket and servers that do not keep to ZMTP', () => {
  it.each<[what: string, bytes: Uint8Array, reason: string]>([
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'the server sent what is no ZMTP'],
    ['zeros', Buffer.alloc(64), 'the server sent what is no ZMTP'],
    [
      'ZMTP 2.0',
      Buffer.from('ff00000000000000017f01', 'hex'),
      'the handshake failed: the server speaks a version of ZMTP before 3.0',
    ],
    ['ZMTP 1.0', Buffer.from('0100', 'hex'), 'the handshake failed: the server speaks a version of ZMTP before 3.0'],
    ['another mechanism', PLAIN_GREETING, 'the handshake failed: the server asks for another security mechanism'],
    [
      'another socket type',
      Buffer.concat([GREETING, encodeReady({ 'Socket-Type': 'PUB' })]),
      'the handshake failed: the server is no ROUTER, REP or DEALER',
    ],
    [
      'no socket type',
      Buffer.concat([GREETING, encodeReady({})]),
      'the handshake failed: the server is no ROUTER, REP or DEALER',
    ],
    [
      'a message in the handshake',
      Buffer.concat([GREETING, messageBytes('x')]),
      'the handshake failed (unexpected-frame)',
    ],
    ['WELCOME to NULL', Buffer.concat([GREETING, encodePlainWelcome()]), 'the handshake failed (unexpected-command)'],
    [
      'ERROR in the handshake',
      Buffer.concat([GREETING, encodeError('go away')]),
      "the handshake failed: the server said 'go away'",
    ],
    ['ERROR', Buffer.concat([HANDSHAKE, encodeError('x'.repeat(255))]), `the server said '${'x'.repeat(100)}'`],
    [
      'ERROR that is not printable',
      Buffer.concat([HANDSHAKE, encodeCommand('ERROR', Buffer.from('\x02a\n'))]),
      'the server broke ZMTP (bad-command)',
    ],
    ['READY twice', Buffer.concat([HANDSHAKE, READY]), 'the server broke ZMTP (unexpected-command)'],
    ['reserved bits', Buffer.concat([HANDSHAKE, Buffer.from([0x80, 0])]), 'the server broke ZMTP (bad-flags)'],
    [
      'a length that is none',
      Buffer.concat([HANDSHAKE, Buffer.from('02ffffffffffffffff', 'hex')]),
      'the server broke ZMTP (bad-length)',
    ],
    [
      'a long command',
      Buffer.concat([HANDSHAKE, Buffer.from('060000000000000201', 'hex')]),
      'the server sent a command of more than 512 bytes',
    ],
    [
      'a long PING',
      Buffer.concat([HANDSHAKE, encodeCommand('PING', Buffer.alloc(19))]),
      'the server broke ZMTP (bad-command)',
    ],
    [
      'nine frames',
      Buffer.concat([HANDSHAKE, messageBytes(...NINE)]),
      'the server sent a message of more than 8 frames',
    ],
  ])('is lost when the server sends %s', async (_what, bytes, reason) => {
    const log = await lossBy(bytes);
    expect(log.losses).toEqual([reason]);
    expect(log.messages).toEqual([]);
  });

  it('is lost by the declared length of a frame, and by the sum of several, before their bodies come', async () => {
    const limit = 1024 + 256 * 1024;
    const header = (length: number) => {
      const bytes = Buffer.from('020000000000000000', 'hex');
      bytes.writeUInt32BE(length, 5);
      return bytes;
    };
    const reason = `the server sent a message of more than ${limit} bytes`;
    expect((await lossBy(Buffer.concat([HANDSHAKE, header(limit + 1)]))).losses).toEqual([reason]);
    const begun = encodeFrame(FrameFlag.More, Buffer.alloc(1024));
    expect((await lossBy(Buffer.concat([HANDSHAKE, begun, header(limit - 1023)]))).losses).toEqual([reason]);
  });

  it('takes a message of the greatest size and of eight frames', async () => {
    const bytes = Buffer.concat([HANDSHAKE, messageBytes(Buffer.alloc(257 * 1024)), messageBytes(...NINE.slice(1))]);
    const server = await startRawTcpServer(socket => socket.write(bytes));
    const { log } = openGateClient(server.endpoint);
    await until(() => log.messages.length === 2);
    expect(log.messages.map(frames => frames.join('').length)).toEqual([257 * 1024, 8]);
  });

  it('reads what comes byte by byte, with commands between the frames of a message', async () => {
    const bytes = Buffer.concat([
      HANDSHAKE,
      encodeFrame(FrameFlag.More, Buffer.from('a')),
      encodePing(10, Buffer.from('ctx')),
      encodeFrame(0, Buffer.from('b'.repeat(300))),
      messageBytes('end'),
    ]);
    const server = await startRawTcpServer(socket => {
      socket.setNoDelay(true);
      const next = (at: number): void => {
        if (at < bytes.length) {
          socket.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
        }
      };
      next(0);
    });
    const { log } = openGateClient(server.endpoint);
    await until(() => log.messages.length === 2);
    expect(log.messages).toEqual([['a', 'b'.repeat(300)], ['end']]);
    const pong = encodePong(Buffer.from('ctx'));
    await until(() => server.received().includes(pong));
  });

  it('ignores a hundred commands that it does not know between two messages, and is lost with one more', async () => {
    const unknown = encodeCommand('WHATEVER', Buffer.from('x'));
    const hundred = Buffer.concat(Array.from({ length: 100 }, () => unknown));
    const bytes = Buffer.concat([HANDSHAKE, hundred, messageBytes('a'), hundred, messageBytes('b'), hundred]);
    const server = await startRawTcpServer(socket => socket.write(bytes));
    const { log } = openGateClient(server.endpoint);
    await until(() => log.messages.length === 2);
    expect(log.losses).toEqual([]);
    (await server.connection()).write(unknown);
    await until(() => log.losses.length > 0);
    expect(log.losses).toEqual(['the server broke ZMTP (unexpected-command)']);
  });

  it('bounds the answers to heartbeats that wait for a server that does not read', async () => {
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => encodePing(0, Buffer.alloc(16))));
    const server = await startRawTcpServer(socket => socket.write(HANDSHAKE), { reads: false });
    const { client, log } = openGateClient(server.endpoint);
    await client.send(text('hello'));
    const socket = await server.connection();
    for (let round = 0; round < 40; round++) {
      await new Promise<void>(resolve => socket.write(pings, () => resolve()));
    }
    socket.write(messageBytes('after'));
    await until(() => log.messages.length === 1);
    expect(client.unwrap()?.writableLength).toBeLessThan(2 * 1024 ** 2);
  });

  it('is lost when the handshake is not done in time', async () => {
    for (const bytes of [Buffer.alloc(0), GREETING.subarray(0, 11), GREETING, HANDSHAKE.subarray(0, -1)]) {
      const clock = new FakeClock();
      const server = await startRawTcpServer(socket => socket.write(bytes));
      const { log } = openGateClient(server.endpoint, { clock, socket: { handshakeInterval: 300 } });
      await until(() => server.received().length > 0);
      clock.advance(299);
      expect(log.losses).toEqual([]);
      clock.advance(1);
      expect(log.losses).toEqual(['the handshake failed: no answer within 300 ms']);
    }
  });

  it('is lost when the server hangs up in the handshake', async () => {
    for (const bytes of [Buffer.alloc(0), GREETING.subarray(0, 11), GREETING, HANDSHAKE.subarray(0, -1)]) {
      const server = await startRawTcpServer(socket => socket.end(bytes));
      const { log } = openGateClient(server.endpoint);
      await until(() => log.losses.length > 0);
      expect(log.losses).toEqual(['the handshake failed: the connection was closed']);
    }
  });

  it('is lost once and never throws, whatever the bytes after the greeting or the handshake', async () => {
    for (let round = 0; round < 60; round++) {
      const start = [Buffer.alloc(0), GREETING, HANDSHAKE][round % 3] as Buffer;
      const server = await startRawTcpServer(socket => socket.end(Buffer.concat([start, randomBytes(2_000)])));
      const { log } = openGateClient(server.endpoint);
      await until(() => log.losses.length > 0);
      expect(log.losses).toHaveLength(1);
    }
  });

  it('goes through PLAIN step by step, and refuses a WELCOME with something in it', async () => {
    const plain = { username: 'ann', password: new Secret('sesame') };
    const server = await startRawTcpServer(socket =>
      socket.write(Buffer.concat([PLAIN_GREETING, encodePlainWelcome(), READY, messageBytes('in')])),
    );
    const { log } = openGateClient(server.endpoint, { plain });
    await until(() => log.messages.length === 1);
    const names = ['HELLO', 'INITIATE'].map(name => server.received().indexOf(name));
    expect(names[0]).toBeGreaterThan(0);
    expect(names[1]).toBeGreaterThan(names[0] as number);
    const wrong = await startRawTcpServer(socket =>
      socket.write(Buffer.concat([PLAIN_GREETING, encodeCommand('WELCOME', Buffer.from('x'))])),
    );
    const { log: refused } = openGateClient(wrong.endpoint, { plain });
    await until(() => refused.losses.length > 0);
    expect(refused.losses).toEqual(['the handshake failed (bad-command)']);
  });

  it('refuses credentials that do not fit when it is made', () => {
    expect(() =>
      createGateClient('tcp://127.0.0.1:1', { plain: { username: 'x'.repeat(256), password: new Secret('') } }),
    ).toThrow(RangeError);
  });
});
