import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { createRouter, openDealer, openRouter, ServerLog } from '../../support/sockets.js';
import { onCleanup, until } from '../../support/zmq-app.js';

const TCP = 'tcp://127.0.0.1:*';
let names = 0;

function inproc(): string {
  return `inproc://router-${process.pid}-${names++}`;
}

function ipc(): string {
  return `ipc://${join(tmpdir(), `router-${process.pid}-${names++}.sock`)}`;
}

const text = (...frames: readonly string[]) => frames.map(frame => Buffer.from(frame));

async function bindFailure(bind: readonly string[]): Promise<ZmqException> {
  const router = createRouter(bind);
  try {
    await router.open(new ServerLog());
  } catch (error) {
    return error as ZmqException;
  }
  throw new Error('The bind succeeded');
}

describe('RouterSocket', () => {
  it.each([
    ['tcp', () => TCP],
    ['ipc', ipc],
    ['inproc', inproc],
  ])('carries whole messages both ways over %s', async (_transport, address) => {
    const { router, log } = await openRouter([address()]);
    const { dealer, log: received } = openDealer(router.endpoints[0]!);
    expect(await dealer.send(text('a', '', 'b'))).toBe('sent');
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.texts).toEqual(['a', '', 'b']);
    expect(await router.send(log.messages[0]!.peerId, text('answer'))).toBe('sent');
    await until(() => received.messages.length === 1);
    expect(received.messages).toEqual([['answer']]);
  });

  it('tells its real endpoints once it is bound', async () => {
    const name = inproc();
    const { router } = await openRouter([TCP, name, TCP]);
    const [first, second, third] = router.endpoints;
    expect([first, third].every(endpoint => /^tcp:\/\/127\.0\.0\.1:\d+$/.test(endpoint!))).toBe(true);
    expect(first).not.toBe(third);
    expect(second).toBe(name);
  });

  it('keeps peers apart', async () => {
    const { router, log } = await openRouter([TCP]);
    const dealers = [1, 2, 3].map(() => openDealer(router.endpoints[0]!));
    await Promise.all(dealers.map(({ dealer }, index) => dealer.send(text(String(index)))));
    await until(() => log.messages.length === 3);
    for (const { peerId, texts } of log.messages) {
      await router.send(peerId, text(`for ${texts[0]}`));
    }
    await until(() => dealers.every(({ log: { messages } }) => messages.length === 1));
    expect(dealers.map(({ log: { messages } }) => messages[0])).toEqual([['for 0'], ['for 1'], ['for 2']]);
  });

  it('tells that a peer it never knew, or one that has left, is gone', async () => {
    const { router, log } = await openRouter([TCP]);
    expect(await router.send('\0nobody', text('x'))).toBe('gone');
    const { dealer } = openDealer(router.endpoints[0]!);
    await dealer.send(text('hello'));
    await until(() => log.messages.length === 1);
    dealer.close(0);
    await until(() => log.gone > 0);
    expect(await router.send(log.messages[0]!.peerId, text('x'))).toBe('gone');
  });

  it('tells that a peer takes no more, and holds up no other one', async () => {
    const { router, log } = await openRouter([inproc()], { sendHighWaterMark: 1, receiveHighWaterMark: 1 });
    const slow = openDealer(router.endpoints[0]!);
    await slow.dealer.send(text('slow'));
    await until(() => log.messages.length === 1);
    const { peerId } = log.messages[0]!;
    // Nobody reads while this loop sends, so the queue between the two must fill.
    let outcome = 'sent';
    for (let count = 0; count < 100_000 && outcome === 'sent'; count++) {
      outcome = await router.send(peerId, text('x'));
    }
    expect(outcome).toBe('full');
    const quick = openDealer(router.endpoints[0]!);
    await quick.dealer.send(text('quick'));
    await until(() => log.messages.length === 2);
    expect(await router.send(log.messages[1]!.peerId, text('y'))).toBe('sent');
  });

  it('reads on where it paused', async () => {
    const { router, log } = await openRouter([TCP]);
    const { dealer } = openDealer(router.endpoints[0]!);
    await dealer.send(text('0'));
    await until(() => log.messages.length === 1);
    router.pause();
    for (let index = 1; index <= 20; index++) {
      await dealer.send(text(String(index)));
    }
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(log.messages.length).toBeLessThanOrEqual(2);
    router.resume();
    await until(() => log.messages.length === 21);
    expect(log.messages.map(({ texts }) => texts[0])).toEqual(Array.from({ length: 21 }, (_, index) => String(index)));
  });

  it('cannot bind an address in use, says which, and can be bound once it is free', async () => {
    const holder = createServer();
    await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve));
    onCleanup(() => holder.close());
    const endpoint = `tcp://127.0.0.1:${(holder.address() as { port: number }).port}`;
    const { code, message, details, cause } = await bindFailure([endpoint]);
    expect(code).toBe('BIND_FAILED');
    expect(message).toBe(`Cannot bind ${endpoint}: the address is in use (EADDRINUSE).`);
    expect(details).toEqual({ endpoint });
    expect(cause).toBeInstanceOf(Error);
    await new Promise(resolve => holder.close(resolve));
    expect((await openRouter([endpoint])).router.endpoints).toEqual([endpoint]);
  });

  it('binds all or none: what was bound is free again when it reports the failure', async () => {
    const { router } = await openRouter([TCP]);
    const taken = router.endpoints[0]!;
    const spare = await openRouter([TCP]);
    const free = spare.router.endpoints[0]!;
    await spare.router.close();
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await bindFailure([free, taken])).details).toEqual({ endpoint: taken });
      const again = await openRouter([free]);
      await again.router.close();
    }
  });

  it.each([
    ['tcp://203.0.113.1:5555', 'no interface of this machine has the address (EADDRNOTAVAIL)'],
    ['ipc:///no/such/directory/x.sock', '(E'],
  ])('cannot bind %s, and says why', async (endpoint, reason) => {
    const { code, message } = await bindFailure([endpoint]);
    expect(code).toBe('BIND_FAILED');
    expect(message).toContain(`Cannot bind ${endpoint}: `);
    expect(message).toContain(reason);
  });

  it.each([
    ['tcp', () => TCP],
    ['ipc', ipc],
    ['inproc', inproc],
  ])('has its %s address free when close() resolves', async (_transport, address) => {
    let endpoint = address();
    for (let round = 0; round < 5; round++) {
      const { router } = await openRouter([endpoint]);
      endpoint = router.endpoints[0]!;
      await router.close();
      expect(await router.send('peer', text('x'))).toBe('closed');
    }
  });

  it('may be closed twice, and sends nothing afterwards', async () => {
    const { router, log } = await openRouter([TCP]);
    await router.close();
    await router.close();
    expect(await router.send('peer', text('x'))).toBe('closed');
    expect(log.failures).toEqual([]);
  });

  it('drops a peer whose message is far too large, and serves the others', async () => {
    const { router, log } = await openRouter([TCP], {}, 1024);
    const large = openDealer(router.endpoints[0]!);
    await large.dealer.send([Buffer.alloc(2 * 1024 * 1024)]);
    await until(() => large.log.losses.length === 1);
    const small = openDealer(router.endpoints[0]!);
    await small.dealer.send(text('small'));
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.texts).toEqual(['small']);
  });
});
