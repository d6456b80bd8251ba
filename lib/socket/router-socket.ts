import { Router } from 'zeromq';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import { ReceiveLoop } from './receive-loop.js';
import { isBound, untilUnbound } from './until-unbound.js';
import type { SendOutcome, ServerSocket, ServerSocketListener } from './server-socket.js';
import { zeromqOptions } from './zeromq-options.js';

export interface RouterSocketOptions {
  readonly bind: readonly string[];
  readonly maxMessageSize: number;
  readonly socket: ResolvedSocketOptions;
}

/** {@link ServerSocket} on libzmq's ROUTER. */
export class RouterSocket implements ServerSocket {
  endpoints: readonly string[] = [];
  private readonly router: Router;
  private readonly loop: ReceiveLoop;
  private listener: ServerSocketListener | undefined;
  private observed: Promise<void> | undefined;

  constructor(private readonly options: RouterSocketOptions) {
    const { bind, maxMessageSize, socket } = options;
    this.router = new Router({
      ...zeromqOptions(socket, { maxMessageSize, endpoints: bind }),
      // Unroutable replies vanish silently otherwise.
      mandatory: true,
      // One peer that takes nothing must not hold up the replies of all others.
      sendTimeout: 0,
    });
    this.loop = new ReceiveLoop(this.router, ([routingId, ...frames]) => {
      if (routingId !== undefined) {
        this.listener?.message(routingId.toString('latin1'), frames, undefined);
      }
    });
  }

  async open(listener: ServerSocketListener): Promise<void> {
    const bound: string[] = [];
    for (const endpoint of this.options.bind) {
      try {
        await assertFree(endpoint);
        await this.router.bind(endpoint);
        bound.push(this.router.lastEndpoint ?? endpoint);
      } catch (error) {
        this.endpoints = bound;
        await this.close();
        this.endpoints = [];
        throw new ZmqException('BIND_FAILED', `Cannot bind ${endpoint}: ${reasonOf(error)}.`, {
          details: { endpoint },
          cause: error,
        });
      }
    }
    this.endpoints = bound;
    this.listener = listener;
    this.observed = this.observe().catch(() => undefined);
    void this.loop.run().catch((error: unknown) => {
      listener.failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async send(peerId: string, frames: Buffer[]): Promise<SendOutcome> {
    try {
      await this.router.send([Buffer.from(peerId, 'latin1'), ...frames]);
      return 'sent';
    } catch (error) {
      if (this.router.closed) {
        return 'closed';
      }
      // EHOSTUNREACH: the peer has left. Anything else than a full queue cannot be cured by waiting either.
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'full' : 'gone';
    }
  }

  pause(): void {
    this.loop.pause();
  }

  resume(): void {
    this.loop.resume();
  }

  async close(): Promise<void> {
    this.router.close();
    this.loop.resume();
    // The end of its events tells that a socket has let go of its names within the process. Unbinding those is not for
    // us: libzmq aborts now and then when the other end of a connection closes meanwhile.
    await this.observed;
    // libzmq frees an address some milliseconds after `close()`; whoever awaits ours may bind it again at once.
    await Promise.all(this.endpoints.map(untilUnbound));
  }

  unwrap(): Router {
    return this.router;
  }

  private async observe(): Promise<void> {
    for await (const event of this.router.events) {
      if (event.type === 'disconnect') {
        this.listener?.peerGone(undefined);
      }
    }
  }
}

/** libzmq replaces the file of an `ipc://` endpoint, and with it whoever listens there, without a word. */
async function assertFree(endpoint: string): Promise<void> {
  if (endpoint.startsWith('ipc://') && (await isBound(endpoint))) {
    throw Object.assign(new Error('Address already in use'), { code: 'EADDRINUSE' });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return 'the address is in use (EADDRINUSE)';
    case 'EADDRNOTAVAIL':
      return 'no interface of this machine has the address (EADDRNOTAVAIL)';
    case 'ENOTSOCK':
      return 'the server was closed meanwhile (ENOTSOCK)';
    case 'EACCES':
      return 'permission denied (EACCES)';
    default:
      return code === undefined ? message : `${message} (${code})`;
  }
}
