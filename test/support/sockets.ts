import { SOCKET_FIELDS } from '../../lib/options/socket-options.js';
import { resolveFields } from '../../lib/options/fields.js';
import type { ClientSocketListener } from '../../lib/socket/client-socket.js';
import { DealerSocket } from '../../lib/socket/dealer-socket.js';
import { RouterSocket } from '../../lib/socket/router-socket.js';
import type { ServerSocketListener } from '../../lib/socket/server-socket.js';
import { onCleanup } from './zmq-app.js';

const SOCKET_OPTIONS = resolveFields({ linger: 0 }, SOCKET_FIELDS, 'socket');

/** What a socket has told its listener. */
export class ServerLog implements ServerSocketListener {
  readonly messages: { readonly peerId: string; readonly texts: readonly string[] }[] = [];
  gone = 0;
  failures: Error[] = [];

  message(peerId: string, frames: Buffer[]): void {
    this.messages.push({ peerId, texts: frames.map(String) });
  }

  peerGone(): void {
    this.gone++;
  }

  failed(error: Error): void {
    this.failures.push(error);
  }
}

export class ClientLog implements ClientSocketListener {
  readonly messages: (readonly string[])[] = [];
  readonly losses: string[] = [];

  message(frames: Buffer[]): void {
    this.messages.push(frames.map(String));
  }

  lost(reason: string): void {
    this.losses.push(reason);
  }
}

export function createRouter(bind: readonly string[], socket: object = {}, maxMessageSize = 1024): RouterSocket {
  const router = new RouterSocket({ bind, maxMessageSize, socket: { ...SOCKET_OPTIONS, ...socket } });
  onCleanup(() => router.close());
  return router;
}

export async function openRouter(bind: readonly string[], socket: object = {}, maxMessageSize = 1024) {
  const router = createRouter(bind, socket, maxMessageSize);
  const log = new ServerLog();
  await router.open(log);
  return { router, log };
}

export function openDealer(endpoint: string, maxMessageSize = 1024) {
  const dealer = new DealerSocket({ endpoint, maxMessageSize, socket: SOCKET_OPTIONS });
  const log = new ClientLog();
  onCleanup(() => dealer.close(0));
  dealer.open(log);
  return { dealer, log };
}
