import { isIPv6, Socket, type SocketConstructorOpts } from 'node:net';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import { onreadFor, type ReadTarget } from './socket-reader.js';

export interface ClientTcpSocketOptions {
  readonly target: ReadTarget;
  /** Nothing more can be written. What the peer sent before that can still be read. */
  readonly onBroken: () => void;
}

type Written = (error?: Error | null) => void;

/** With several addresses, each has so long before the next is tried; Node's 250 ms are too short for a far server. */
const ATTEMPT_MS = 1_000;
const TCP = /^tcp:\/\/(.+):(\d{1,5})$/;

/**
 * A TCP connection whose writes never fail. `net.Socket` destroys itself at the first failed write, and with it what the
 * peer sent before it left but nobody has read yet. Here the end is always found by reading.
 */
export class ClientTcpSocket extends Socket {
  private isBroken = false;

  constructor(private readonly options: ClientTcpSocketOptions) {
    // The constructor takes `onread`, which its types only know of `connect()`.
    const settings = { onread: onreadFor(options.target), allowHalfOpen: false };
    super(settings as SocketConstructorOpts);
  }

  /** @throws Error if `endpoint` is not `tcp://host:port` */
  open(endpoint: string, { ipv6 }: ResolvedSocketOptions): void {
    const [, host = '', port = ''] = TCP.exec(endpoint) ?? [];
    if (host === '') {
      throw new Error(`${endpoint} is no tcp://host:port`);
    }
    const address = host.startsWith('[') ? host.slice(1, -1) : host;
    this.connect({
      host: address,
      port: Number(port),
      family: ipv6 || isIPv6(address) ? 0 : 4,
      autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    });
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: Written): void {
    if (this.isBroken) {
      callback();
    } else {
      super._write(chunk, encoding, this.tolerant(callback));
    }
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: Written): void {
    if (this.isBroken) {
      callback();
    } else {
      super._writev?.(chunks, this.tolerant(callback));
    }
  }

  private tolerant(callback: Written): Written {
    return error => {
      // A write that failed before there was a connection says that there will be none.
      if (error !== undefined && error !== null && !this.pending && !this.isBroken) {
        this.isBroken = true;
        this.options.onBroken();
      }
      callback(this.isBroken ? null : error);
    };
  }
}

/** Settings of a connection, once there is one. */
export function tune(socket: Socket, { tcpKeepalive }: ResolvedSocketOptions): void {
  socket.setNoDelay(true);
  if (tcpKeepalive !== false) {
    // Node has no setting for the interval and the number of probes.
    socket.setKeepAlive(true, tcpKeepalive.idle * 1_000);
  }
}
