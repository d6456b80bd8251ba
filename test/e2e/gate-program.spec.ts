import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Dealer, Publisher, Pull, Push, Reply, Request, Router, Subscriber } from 'zeromq';
import { FrameFlag } from '../../lib/zmtp/frame-header.js';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { longHeader, messageBytes, RawZmtp } from '../support/raw-zmtp.js';
import { onCleanup, until } from '../support/zmq-app.js';
import { anyIpc, configFile, GateProcess, rewriteConfig } from '../unit/cli/gate/gate-process.js';

const MEBI = 1024 ** 2;
/** What a process may hold beside its budget, in megabytes. */
const SLACK_MB = 32;
const RECEIVING = { linger: 0, receiveTimeout: 8_000 };
const SENDING = { linger: 0, sendTimeout: 8_000 };
const TIMEOUTS = { ...RECEIVING, ...SENDING };

function closing<T extends { close(): void; readonly closed: boolean }>(socket: T): T {
  onCleanup(() => {
    if (!socket.closed) {
      socket.close();
    }
  });
  return socket;
}

function dealerAt(endpoint: string): Dealer {
  const dealer = closing(new Dealer(TIMEOUTS));
  dealer.connect(endpoint);
  return dealer;
}

/** A ROUTER that sends back what it gets, after `respond`. */
class EchoRouter {
  readonly ids = new Set<string>();
  received = 0;
  sent = 0;
  readonly router = closing(new Router({ linger: 1_000 }));

  static async at(endpoint: string, respond: (frames: Buffer[]) => Promise<void> = async () => {}) {
    const echo = new EchoRouter();
    await echo.router.bind(endpoint);
    void echo.serve(respond).catch(() => undefined);
    return echo;
  }

  private async serve(respond: (frames: Buffer[]) => Promise<void>): Promise<void> {
    for await (const message of this.router) {
      this.received++;
      this.ids.add(String(message[0]?.toString('hex')));
      void respond(message.slice(1)).then(async () => {
        await this.router.send(message);
        this.sent++;
      }, ignore);
    }
  }
}

function ignore(): void {}

async function text(receiver: { receive(): Promise<Buffer[]> }): Promise<string> {
  return (await receiver.receive()).map(String).join('|');
}

beforeAll(ensureBuild, BUILD_TIMEOUT_MS);

describe('nestjs-zeromq gate in front of', () => {
  it('a ROUTER shows it each peer as one of its own, and takes the answers back', async () => {
    const service = anyIpc();
    const echo = await EchoRouter.at(service);
    const gate = await GateProcess.start(service);
    const dealers = [dealerAt(gate.endpoint), dealerAt(gate.endpoint), dealerAt(gate.endpoint)];
    for (const [index, dealer] of dealers.entries()) {
      await dealer.send([`head ${index}`, '', `body ${index}`]);
      await dealer.send('again');
    }
    for (const [index, dealer] of dealers.entries()) {
      expect(await text(dealer)).toBe(`head ${index}||body ${index}`);
      expect(await text(dealer)).toBe('again');
    }
    expect(echo.ids.size).toBe(3);
    await gate.until('status', ({ messagesIn, messagesOut }) => messagesIn === 6 && messagesOut === 6);
  });

  it('a REP answers each REQ', async () => {
    const service = closing(new Reply(TIMEOUTS));
    await service.bind('tcp://127.0.0.1:*');
    const gate = await GateProcess.start(service.lastEndpoint as string, '--type', 'rep');
    const requests = [closing(new Request(TIMEOUTS)), closing(new Request(TIMEOUTS))];
    for (const [index, request] of requests.entries()) {
      request.connect(gate.endpoint);
      await request.send(`question ${index}`);
      expect(await text(service)).toBe(`question ${index}`);
      await service.send(`answer ${index}`);
      expect(await text(request)).toBe(`answer ${index}`);
    }
  });

  it('a PULL hands it what PUSHes send, in order', async () => {
    const endpoint = anyIpc();
    const service = closing(new Pull(RECEIVING));
    await service.bind(endpoint);
    const gate = await GateProcess.start(endpoint, '--type', 'pull');
    const push = closing(new Push(SENDING));
    push.connect(gate.endpoint);
    for (let number = 0; number < 500; number++) {
      await push.send([`work ${number}`, 'of two frames']);
    }
    for (let number = 0; number < 500; number++) {
      expect(await text(service)).toBe(`work ${number}|of two frames`);
    }
  });

  it('a SUB subscribes to whatever connects, and the SUB gets what it asked for', async () => {
    const endpoint = anyIpc();
    const service = closing(new Subscriber(RECEIVING));
    service.subscribe('weather');
    await service.bind(endpoint);
    const gate = await GateProcess.start(endpoint, '--type', 'sub');
    await gate.until('service', ({ state }) => state === 'up');
    const publisher = closing(new Publisher(SENDING));
    publisher.connect(gate.endpoint);
    // A publisher drops what nobody has subscribed to yet.
    const timer = setInterval(() => void publisher.send(['weather.first', '1']).catch(ignore), 20);
    expect(await text(service)).toBe('weather.first|1');
    clearInterval(timer);
    await publisher.send(['sports', 'not asked for']);
    await publisher.send(['weather.last', '2']);
    let last = await text(service);
    while (last === 'weather.first|1') {
      last = await text(service);
    }
    expect(last).toBe('weather.last|2');
  });

  it('a service that speaks another pattern says so', async () => {
    const service = closing(new Pull());
    await service.bind('tcp://127.0.0.1:*');
    const gate = await GateProcess.start(service.lastEndpoint as string);
    await dealerAt(gate.endpoint).send('hello');
    const { state, reason } = await gate.until('service');
    expect({ state, reason }).toEqual({
      state: 'down',
      reason: 'the handshake failed: the server is no ROUTER, REP or DEALER',
    });
  });
});

describe('nestjs-zeromq gate against hostile peers', () => {
  it.each([
    ['a frame that declares too much', longHeader(0, BigInt(MEBI + 1)), 'frame-too-large'],
    ['a frame that declares 8 exabytes', longHeader(0, 2n ** 63n - 1n), 'framing'],
    ['too much in many frames', Buffer.concat(endlessFrames(20, MEBI / 8)), 'message-too-large'],
    ['frames without end', Buffer.concat(endlessFrames(5_000, 1)), 'too-many-frames'],
  ])('refuses %s, and the service never hears of it', async (_what, bytes, kind) => {
    const service = anyIpc();
    const echo = await EchoRouter.at(service);
    const gate = await GateProcess.start(service);
    const hostile = await RawZmtp.open(gate.endpoint);
    hostile.write(bytes);
    await hostile.untilEnded();
    expect(await gate.until('violation')).toMatchObject({ kind, action: 'disconnect', address: '127.0.0.1' });
    const honest = dealerAt(gate.endpoint);
    await honest.send('still here');
    expect(await text(honest)).toBe('still here');
    expect(echo.ids.size).toBe(1);
  });

  it('takes a message of exactly the largest size, and none of a byte more', async () => {
    const service = anyIpc();
    const echo = await EchoRouter.at(service);
    const gate = await GateProcess.start(service, '--max-message-size', '64kb');
    const exact = await RawZmtp.open(gate.endpoint);
    exact.send(Buffer.alloc(32 * 1024, 'a'), Buffer.alloc(32 * 1024, 'b'));
    await until(() => exact.messages.length === 1);
    const over = await RawZmtp.open(gate.endpoint);
    over.send(Buffer.alloc(32 * 1024, 'a'), Buffer.alloc(32 * 1024 + 1, 'b'));
    await over.untilEnded();
    expect(await gate.until('violation')).toMatchObject({ figures: { limit: 65_536, actual: 65_537 } });
    expect(echo.received).toBe(1);
  });

  it('stays within its budget under endless messages on many connections', async () => {
    const service = anyIpc();
    const echo = await EchoRouter.at(service);
    const gate = await GateProcess.start(service, '--memory-budget', '16mb', '--max-message-size', '1mb');
    const { now: before } = await gate.memory();
    const partial = Buffer.concat([longHeader(0, BigInt(MEBI)), Buffer.alloc(MEBI - 1)]);
    for (let count = 0; count < 60; count++) {
      (await RawZmtp.open(gate.endpoint, { localAddress: `127.0.0.${2 + (count % 20)}` })).write(partial);
    }
    const honest = dealerAt(gate.endpoint);
    for (let number = 0; number < 20; number++) {
      await honest.send(`honest ${number}`);
      expect(await text(honest)).toBe(`honest ${number}`);
    }
    expect(echo.ids.size).toBe(1);
    expect((await gate.memory()).high - before).toBeLessThan(16 + SLACK_MB);
  }, 30_000);
});

describe('nestjs-zeromq gate and a service that is slow or away', () => {
  it('keeps messages for a service that comes up later', async () => {
    const service = anyIpc();
    const gate = await GateProcess.start(service);
    const dealer = dealerAt(gate.endpoint);
    for (let number = 0; number < 10; number++) {
      await dealer.send(`early ${number}`);
    }
    expect(await gate.until('service')).toMatchObject({ state: 'down' });
    await EchoRouter.at(service);
    for (let number = 0; number < 10; number++) {
      expect(await text(dealer)).toBe(`early ${number}`);
    }
    expect(gate.all('service').map(({ state }) => state)).toEqual(['down', 'up']);
    await gate.until('status', ({ heldBytes, dropped }) => heldBytes === 0 && dropped === 0);
  });

  it('makes senders wait for a PULL that takes nothing, and loses nothing', async () => {
    const endpoint = anyIpc();
    const service = closing(new Pull({ ...RECEIVING, receiveHighWaterMark: 1 }));
    await service.bind(endpoint);
    const gate = await GateProcess.start(endpoint, '--type', 'pull', '--memory-budget', '16mb');
    const { now: before } = await gate.memory();
    const push = closing(new Push({ linger: 0, sendHighWaterMark: 1, sendTimeout: -1 }));
    push.connect(gate.endpoint);
    const count = 150;
    let sent = 0;
    const sending = (async () => {
      for (let number = 0; number < count; number++) {
        await push.send([String(number), Buffer.alloc(500_000)]);
        sent++;
      }
    })();
    sending.catch(ignore);
    await gate.until('violation', ({ kind }) => kind === 'memory-share');
    await gate.moreStatuses(5);
    expect(sent).toBeLessThan(count);
    expect(gate.status['heldBytes']).toBeLessThanOrEqual(16 * MEBI);
    for (let number = 0; number < count; number++) {
      expect(String((await service.receive())[0])).toBe(String(number));
    }
    await sending;
    expect((await gate.memory()).high - before).toBeLessThan(16 + SLACK_MB);
    await gate.until('status', ({ heldBytes }) => heldBytes === 0);
  }, 30_000);

  it('changes no byte, whatever the sizes and however slow either side is', async () => {
    const endpoint = anyIpc();
    const echo = await EchoRouter.at(endpoint, frames => delay(frames.length % 3));
    const gate = await GateProcess.start(endpoint, '--memory-budget', '16mb');
    const dealers = [1, 2, 3].map(() => dealerAt(gate.endpoint));
    const sizes = Array.from({ length: 60 }, (_, index) => (index * 65_537) % 900_001);
    await Promise.all(
      dealers.map(async (dealer, who) => {
        const sending = (async () => {
          for (const [index, size] of sizes.entries()) {
            await dealer.send([String(index), Buffer.alloc(size, `${who}-${index}`)]);
          }
        })();
        const answers = new Map<number, Buffer>();
        while (answers.size < sizes.length) {
          const [index, body] = await dealer.receive();
          answers.set(Number(index), body as Buffer);
        }
        await sending;
        for (const [index, size] of sizes.entries()) {
          expect(answers.get(index)?.equals(Buffer.alloc(size, `${who}-${index}`))).toBe(true);
        }
      }),
    );
    expect(echo.ids.size).toBe(3);
  }, 30_000);

  it('stays within its budget when a service with many peers stops reading', async () => {
    const endpoint = anyIpc();
    const service = closing(new Router({ ...TIMEOUTS, receiveHighWaterMark: 1 }));
    await service.bind(endpoint);
    const gate = await GateProcess.start(endpoint, '--memory-budget', '16mb');
    const { now: before } = await gate.memory();
    const message = messageBytes(Buffer.alloc(900_000));
    for (let count = 0; count < 50; count++) {
      const peer = await RawZmtp.open(gate.endpoint, { localAddress: `127.0.0.${2 + (count % 10)}` });
      peer.write(...Array.from({ length: 6 }, () => message));
    }
    await gate.moreStatuses(10);
    expect((await gate.memory()).high - before).toBeLessThan(16 + SLACK_MB);
    expect(gate.status['connections']).toBe(50);
  }, 30_000);

  it('stays within its budget when peers ask for much and read nothing', async () => {
    const endpoint = anyIpc();
    const reply = Buffer.alloc(900_000);
    const service = closing(new Router({ linger: 0 }));
    await service.bind(endpoint);
    void (async () => {
      for await (const [id] of service) {
        await service.send([id as Buffer, reply]);
      }
    })().catch(ignore);
    const gate = await GateProcess.start(endpoint, '--memory-budget', '16mb');
    const { now: before } = await gate.memory();
    for (let count = 0; count < 40; count++) {
      const peer = await RawZmtp.open(gate.endpoint, { localAddress: `127.0.0.${2 + (count % 10)}` });
      peer.socket.pause();
      peer.write(...Array.from({ length: 15 }, () => messageBytes('more')));
    }
    await gate.moreStatuses(10);
    expect((await gate.memory()).high - before).toBeLessThan(16 + SLACK_MB);
  }, 30_000);

  it('hangs up on the peers of a service that goes away, so that they learn of it', async () => {
    const service = anyIpc();
    const first = await EchoRouter.at(service);
    const gate = await GateProcess.start(service);
    const dealer = dealerAt(gate.endpoint);
    await dealer.send('to the first');
    expect(await text(dealer)).toBe('to the first');
    const raw = await RawZmtp.open(gate.endpoint);
    raw.send('raw');
    await until(() => raw.messages.length === 1);
    first.router.close();
    await raw.untilEnded();
    expect(gate.all('violation')).toEqual([]);
    await EchoRouter.at(service);
    // The DEALER has connected again by itself.
    await gate.until('status', ({ connections }) => connections === 1);
    await dealer.send('to the second');
    expect(await text(dealer)).toBe('to the second');
  });

  it('hands on what a peer sent right before it left', async () => {
    const endpoint = anyIpc();
    const gate = await GateProcess.start(endpoint);
    const peer = await RawZmtp.open(gate.endpoint);
    peer.send('last words');
    peer.socket.end();
    await peer.untilEnded();
    const service = closing(new Router(TIMEOUTS));
    await service.bind(endpoint);
    expect(String((await service.receive())[1])).toBe('last words');
  });
});

describe('nestjs-zeromq gate and its settings', () => {
  it('reads limits again on SIGHUP, keeps the old ones on an error, and says what happened', async () => {
    const service = anyIpc();
    await EchoRouter.at(service);
    const path = configFile({ gate: { maxFrames: 4 } });
    const gate = await GateProcess.start(service, '--config', path);
    const sender = await RawZmtp.open(gate.endpoint);
    sender.send('1', '2', '3', '4');
    await until(() => sender.messages.length === 1);

    rewriteConfig(path, { gate: { maxFrames: 'many' } });
    gate.kill('SIGHUP');
    const { reason } = await gate.until('reload-failed');
    expect(reason).toContain('config.gate.maxFrames must be a whole number');

    rewriteConfig(path, { gate: { maxFrames: 3 }, type: 'pull' });
    gate.kill('SIGHUP');
    expect(await gate.until('reloaded')).toMatchObject({
      changed: ['gate.maxFrames: 4 → 3'],
      ignored: ['type: router → pull'],
    });
    // The connection that there is keeps to them as well.
    sender.send('1', '2', '3', '4');
    await sender.untilEnded();
    expect(await gate.until('violation')).toMatchObject({ kind: 'too-many-frames', figures: { limit: 3 } });
  });

  it('ends with 2 for a wrong flag or config file, and names the option', async () => {
    const path = configFile({ listen: 'tcp://127.0.0.1:*', forward: 'ipc:///tmp/x', gate: { ban: { often: 1 } } });
    const wrong = new GateProcess(['--config', path]);
    expect(await wrong.ended).toEqual({ code: 2, signal: null });
    expect(wrong.stderr).toContain(`${path}: config.gate.ban has no option 'often'`);
  });

  it('ends with 1 when it cannot listen, and names the endpoint', async () => {
    const taken = closing(new Router());
    await taken.bind('tcp://127.0.0.1:*');
    const endpoint = taken.lastEndpoint as string;
    const gate = new GateProcess(['--listen', endpoint, '--forward', anyIpc()]);
    expect(await gate.ended).toEqual({ code: 1, signal: null });
    expect(gate.stderr).toBe(`Cannot bind ${endpoint}: the address is in use (EADDRINUSE).\n`);
  });
});

describe('nestjs-zeromq gate when it is asked to stop', () => {
  it('finishes what is under way, takes nothing new, and ends with 0', async () => {
    const service = anyIpc();
    await EchoRouter.at(service, () => delay(500));
    const gate = await GateProcess.start(service);
    const dealer = dealerAt(gate.endpoint);
    await dealer.send('under way');
    await gate.until('status', ({ messagesIn }) => messagesIn === 1);
    gate.kill('SIGTERM');
    await gate.until('stopping');
    const late = new RawZmtp(gate.endpoint);
    await late.untilEnded();
    expect(late.bytes).toBe(0);
    expect(await text(dealer)).toBe('under way');
    expect(await gate.ended).toEqual({ code: 0, signal: null });
    expect(gate.all('stopped')).toHaveLength(1);
    expect(gate.stderr).toBe('');
  });

  it('loses no answer of the service under load', async () => {
    const service = anyIpc();
    const echo = await EchoRouter.at(service, () => delay(5));
    const gate = await GateProcess.start(service);
    let answers = 0;
    for (let count = 0; count < 8; count++) {
      const dealer = dealerAt(gate.endpoint);
      void (async () => {
        for await (const _answer of dealer) {
          answers++;
          await dealer.send('more');
        }
      })().catch(ignore);
      for (let number = 0; number < 20; number++) {
        await dealer.send('begin');
      }
    }
    await until(() => answers > 1_000);
    expect(await gate.stop()).toEqual({ code: 0, signal: null });
    await until(() => answers === echo.sent && echo.sent === echo.received);
  });

  it('gives up what takes longer than the drain timeout', async () => {
    const service = anyIpc();
    await EchoRouter.at(service, () => new Promise(ignore));
    const gate = await GateProcess.start(service, '--drain-timeout', '200');
    await dealerAt(gate.endpoint).send('never answered');
    await gate.until('status', ({ messagesIn }) => messagesIn === 1);
    const start = performance.now();
    expect(await gate.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it('stops at once when asked again', async () => {
    const service = anyIpc();
    await EchoRouter.at(service, () => new Promise(ignore));
    const gate = await GateProcess.start(service);
    await dealerAt(gate.endpoint).send('never answered');
    await gate.until('status', ({ messagesIn }) => messagesIn === 1);
    gate.kill('SIGTERM');
    await gate.until('stopping');
    gate.kill('SIGTERM');
    expect(await gate.ended).toEqual({ code: null, signal: 'SIGTERM' });
  });
});

function endlessFrames(count: number, bytes: number): Buffer[] {
  const header = longHeader(FrameFlag.More, BigInt(bytes));
  return Array.from({ length: count }, () => Buffer.concat([header, Buffer.alloc(bytes)]));
}
