import { once } from 'node:events';
import { createServer, isIP, type AddressInfo, type Server, type ServerOpts, type Socket } from 'node:net';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import { resolveHost } from '../security/resolve-host.js';

/** Makes the server that accepts connections; sockets must not be read before they are handed over. */
export type ServerFactory = (options: ServerOpts) => Server;

export interface GateListenerOptions {
  /** `tcp://host:port` or `tls://host:port`; the port `*` takes any free one. */
  readonly endpoint: string;
  readonly socket: ResolvedSocketOptions;
  /** @defaultValue one of `node:net` */
  readonly createServer?: ServerFactory | undefined;
  /** Takes a connection that is not being read yet. */
  readonly onConnection: (socket: Socket) => void;
  readonly onFailed: (error: Error) => void;
}

/** One bound endpoint. */
export class GateListener {
  readonly server: Server;
  private bound = '';

  constructor(private readonly options: GateListenerOptions) {
    const { tcpKeepalive } = options.socket;
    this.server = (options.createServer ?? createServer)({
      noDelay: true,
      pauseOnConnect: true,
      keepAlive: tcpKeepalive !== false,
      keepAliveInitialDelay: tcpKeepalive === false ? 0 : tcpKeepalive.idle * 1000,
    });
  }

  /** The real address, once bound. */
  get endpoint(): string {
    return this.bound;
  }

  async open(): Promise<void> {
    const { endpoint, socket, onConnection, onFailed } = this.options;
    const [, scheme = '', host = '', port = ''] = /^(tcp|tls):\/\/(.*):(\*|\d+)$/.exec(endpoint) ?? [];
    const address = await resolveHost(host, socket.ipv6);
    this.server.on('connection', onConnection);
    this.server.listen({
      port: port === '*' ? 0 : Number(port),
      backlog: socket.backlog,
      host: address,
      ipv6Only: isIP(address) === 6 && address !== '::',
    });
    await once(this.server, 'listening');
    this.server.on('error', onFailed);
    const bound = this.server.address() as AddressInfo;
    this.bound = `${scheme}://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
  }

  /** Stops listening; resolves when the address is free. */
  async close(): Promise<void> {
    if (this.server.listening) {
      await new Promise(resolve => {
        this.server.close(resolve);
      });
    }
  }
}
