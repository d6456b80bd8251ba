import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openDealer, openRouter } from '../../support/sockets.js';
import { onCleanup, until } from '../../support/zmq-app.js';

const TCP = 'tcp://127.0.0.1:*';
const text = (...frames: readonly string[]) => frames.map(frame => Buffer.from(frame));

describe('DealerSocket', () => {
  it('is lost once, when its server goes', async () => {
    const { router, log } = await openRouter([TCP]);
    const { dealer, log: client } = openDealer(router.endpoints[0]!);
    await dealer.send(text('hello'));
    await until(() => log.messages.length === 1);
    await router.close();
    await until(() => client.losses.length > 0);
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(client.losses).toEqual(['the connection was closed']);
  });

  it('is lost when nobody listens, and does not try again by itself', async () => {
    const { router } = await openRouter([TCP]);
    const endpoint = router.endpoints[0]!;
    await router.close();
    const { log: client } = openDealer(endpoint);
    await until(() => client.losses.length > 0);
    const again = await openRouter([endpoint]);
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(client.losses).toHaveLength(1);
    expect(again.log.messages).toEqual([]);
  });

  it('is lost when what answers does not speak ZMTP', async () => {
    const server = createServer(socket => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    onCleanup(() => server.close());
    const { log } = openDealer(`tcp://127.0.0.1:${(server.address() as { port: number }).port}`);
    await until(() => log.losses.length > 0);
    expect(log.losses).toHaveLength(1);
    expect(log.messages).toEqual([]);
  });

  it('is lost when the server sends more than it takes', async () => {
    const { router, log } = await openRouter([TCP]);
    const { dealer, log: client } = openDealer(router.endpoints[0]!, 1024);
    await dealer.send(text('hello'));
    await until(() => log.messages.length === 1);
    await router.send(log.messages[0]!.peerId, [Buffer.alloc(2 * 1024 * 1024)]);
    await until(() => client.losses.length === 1);
    expect(client.messages).toEqual([]);
  });

  it('tells nothing any more once it is closed, and may be closed twice', async () => {
    const { router, log } = await openRouter([TCP]);
    const { dealer, log: client } = openDealer(router.endpoints[0]!);
    await dealer.send(text('hello'));
    await until(() => log.messages.length === 1);
    dealer.close(0);
    dealer.close(0);
    await until(() => log.gone === 1);
    expect(client.losses).toEqual([]);
    expect(await dealer.send(text('late'))).toBe('closed');
  });

  it('lets what was sent leave within the linger time', async () => {
    const { router, log } = await openRouter([TCP]);
    const { dealer } = openDealer(router.endpoints[0]!);
    const count = 200;
    for (let index = 0; index < count; index++) {
      await dealer.send(text(String(index)));
    }
    dealer.close(2_000);
    await until(() => log.messages.length === count);
    expect(log.messages.at(-1)!.texts).toEqual([String(count - 1)]);
  });
});
