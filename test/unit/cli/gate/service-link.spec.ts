import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Pull, Router } from 'zeromq';
import { Holdings } from '../../../../lib/cli/gate/holdings.js';
import { ServiceLink, type ServiceLinkListener } from '../../../../lib/cli/gate/service-link.js';
import { BudgetAccount } from '../../../../lib/limits/peer-account.js';
import { resolveFields } from '../../../../lib/options/fields.js';
import { SOCKET_FIELDS } from '../../../../lib/options/socket-options.js';
import { onCleanup, until } from '../../../support/zmq-app.js';
import { anyIpc } from './gate-process.js';

/** What a link has told. */
class Listener implements ServiceLinkListener {
  readonly replies: string[] = [];
  readonly losses: { readonly reason: string; readonly wasOpen: boolean }[] = [];
  connections = 0;
  lostMessages = 0;
  hasEnded = false;

  begun(): void {
    // Of no interest here.
  }

  reply(frames: Buffer[]): void {
    this.replies.push(frames.map(String).join('|'));
  }

  connected(): void {
    this.connections++;
  }

  lost(reason: string, wasOpen: boolean): void {
    this.losses.push({ reason, wasOpen });
  }

  dropped(messages: number): void {
    this.lostMessages += messages;
  }

  ended(): void {
    this.hasEnded = true;
  }
}

function createLink(endpoint: string, { socketType = 'DEALER' as 'DEALER' | 'PUSH', staysConnected = false } = {}) {
  const holdings = new Holdings(64 * 1024 ** 2);
  const account = new BudgetAccount(holdings);
  const listener = new Listener();
  const socket = resolveFields({}, SOCKET_FIELDS, 'socket');
  const route = { endpoint, socketType, maxReplySize: 1024 ** 2, socket, holdings };
  const link = new ServiceLink({ route, account, listener, staysConnected });
  onCleanup(() => link.abort());
  return {
    link,
    listener,
    holdings,
    send: (...texts: string[]) =>
      link.push(
        texts.map(text => Buffer.from(text)),
        account,
      ),
  };
}

async function routerAt(endpoint: string): Promise<Router> {
  const router = new Router({ linger: 0, receiveTimeout: 5_000 });
  onCleanup(() => router.close());
  await router.bind(endpoint);
  return router;
}

/** Takes connections and never says a word. */
async function silentServer(): Promise<{ readonly endpoint: string; readonly server: Server }> {
  const endpoint = anyIpc();
  const server = createServer(socket => onCleanup(() => socket.destroy()));
  onCleanup(() => server.close());
  server.listen(endpoint.slice('ipc://'.length));
  await once(server, 'listening');
  return { endpoint, server };
}

describe('the link to a service', () => {
  it('connects once there is something to send, and carries replies of any number of frames', async () => {
    const endpoint = anyIpc();
    const router = await routerAt(endpoint);
    const { link, listener, send, holdings } = createLink(endpoint);
    expect(link.isConnected).toBe(false);
    send('a', '', 'c');
    const [id, ...frames] = await router.receive();
    expect(frames.map(String)).toEqual(['a', '', 'c']);
    await router.send([id as Buffer, ...Array.from({ length: 50 }, (_, index) => String(index))]);
    await until(() => listener.replies.length === 1);
    expect(listener.replies[0]?.split('|')).toHaveLength(50);
    expect({ idle: link.isIdle, used: holdings.used }).toEqual({ idle: true, used: 0 });
  });

  it('keeps what it is given, charged, until there is a service', async () => {
    const endpoint = anyIpc();
    const { listener, send, holdings } = createLink(endpoint);
    for (let number = 0; number < 2_500; number++) {
      send(String(number));
    }
    expect(holdings.used).toBeGreaterThan(2_500);
    await until(() => listener.losses.length >= 2);
    expect(listener.losses[0]).toEqual({ reason: 'the connection was refused or could not be made', wasOpen: false });
    const router = await routerAt(endpoint);
    for (let number = 0; number < 2_500; number++) {
      expect(String((await router.receive())[1])).toBe(String(number));
    }
    expect({ used: holdings.used, lost: listener.lostMessages }).toEqual({ used: 0, lost: 0 });
  });

  it('tells that a connection was lost, and makes a new one when there is need', async () => {
    const endpoint = anyIpc();
    const first = await routerAt(endpoint);
    const { link, listener, send } = createLink(endpoint);
    send('first');
    await first.receive();
    first.close();
    await until(() => listener.losses.length === 1);
    expect(listener.losses[0]).toEqual({ reason: 'the connection was closed', wasOpen: true });
    const second = await routerAt(endpoint);
    expect(link.isConnected).toBe(false);
    send('second');
    expect(String((await second.receive())[1])).toBe('second');
  });

  it('can stay connected without anything to send', async () => {
    const endpoint = anyIpc();
    const { link, listener } = createLink(endpoint, { socketType: 'PUSH', staysConnected: true });
    link.connect();
    await until(() => listener.losses.length > 0);
    const pull = new Pull({ linger: 0 });
    onCleanup(() => pull.close());
    await pull.bind(endpoint);
    await until(() => link.isConnected);
    expect(listener.connections).toBe(1);
  });

  it('gives up a service that takes no connection when its time is over, and counts what was lost', async () => {
    const { endpoint } = await silentServer();
    const { link, listener, send, holdings } = createLink(endpoint);
    send('one');
    send('two');
    link.finish(100);
    expect(listener.hasEnded).toBe(false);
    await until(() => listener.hasEnded);
    expect({ lost: listener.lostMessages, used: holdings.used }).toEqual({ lost: 2, used: 0 });
  });

  it('sends what waits before it finishes', async () => {
    const endpoint = anyIpc();
    const { link, listener, send } = createLink(endpoint);
    send('last words');
    link.finish(5_000);
    const router = await routerAt(endpoint);
    expect(String((await router.receive())[1])).toBe('last words');
    await until(() => listener.hasEnded);
    expect(listener.lostMessages).toBe(0);
  });

  it('leaves replies with the service while nobody takes them', async () => {
    const endpoint = anyIpc();
    const router = await routerAt(endpoint);
    const { link, listener, send } = createLink(endpoint);
    send('question');
    const [id] = await router.receive();
    link.read(false);
    await router.send([id as Buffer, 'answer']);
    send('another');
    // By now the answer has been there for longer than this took.
    await router.receive();
    expect(listener.replies).toEqual([]);
    link.read(true);
    await until(() => listener.replies.length === 1);
  });
});
