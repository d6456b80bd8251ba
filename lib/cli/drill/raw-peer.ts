import { once } from 'node:events';
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, TLSSocket, type ConnectionOptions, type SecureContext } from 'node:tls';
import { GREETING_BYTES, greeting, ready } from './raw-bytes.js';

const HANDSHAKE_TIMEOUT_MS = 3_000;
const COMMAND_FLAG = 4;
const READY_NAME = '\x05READY';
/** One for all connections: what is read is used or dropped before the next read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export interface RawPeerOptions {
  readonly host: string;
  readonly port: number;
  readonly localAddress: string | undefined;
  /** Most bytes taken from the network at a time. @defaultValue 65,536 */
  readonly readBytes: number | undefined;
  /** Of an encrypted connection. */
  readonly secureContext?: SecureContext | undefined;
}

/** What a peer tells of itself, so that its owner can keep count. */
export interface RawPeerListener {
  /** Asked before a write; `false` ends the connection instead. */
  mayWrite(bytes: number): boolean;
  written(peer: RawPeer, bytes: number): void;
  received(bytes: number): void;
  closed(peer: RawPeer, byTarget: boolean): void;
}

/** A connection that says what an attack tells it to. Writes wait until the target takes them, so that it stays small. */
export class RawPeer {
  /** Whether the handshake is done. */
  joined = false;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  private onBytes: ((bytes: Buffer) => void) | undefined;
  private closing = false;

  private constructor(
    private readonly socket: Socket,
    private readonly listener: RawPeerListener,
  ) {
    socket.setNoDelay();
    // Whatever goes wrong ends in 'close'.
    socket.on('error', () => undefined);
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        listener.closed(this, !this.closing);
        resolve();
      });
    });
  }

  static async connect(options: RawPeerOptions, listener: RawPeerListener): Promise<RawPeer | undefined> {
    const { host, port, localAddress, readBytes, secureContext } = options;
    // The socket reads nothing before it is connected, and the peer is there as soon as it is.
    let peer: RawPeer | undefined = undefined;
    const to: TcpNetConnectOpts = {
      host,
      port,
      ...(localAddress !== undefined && { localAddress }),
      onread: {
        buffer: readBytes === undefined ? READ_BUFFER : Buffer.allocUnsafe(readBytes),
        callback: (length, buffer) => {
          listener.received(length);
          peer?.take(buffer.subarray(0, length));
          return true;
        },
      },
    };
    // Whose certificate it is does not matter to an attacker.
    const tls = { ...to, secureContext, rejectUnauthorized: false } as ConnectionOptions;
    const socket = secureContext === undefined ? connect(to) : connectTls(tls);
    try {
      await once(socket, secureContext === undefined ? 'connect' : 'secureConnect');
    } catch {
      socket.destroy();
      return undefined;
    }
    peer = new RawPeer(socket, listener);
    return peer;
  }

  get open(): boolean {
    return !this.socket.destroyed;
  }

  /** Resolves when the kernel has taken all of it, with `false` if the connection ended first. */
  write(bytes: Uint8Array): Promise<boolean> {
    if (!this.open || !this.listener.mayWrite(bytes.length)) {
      this.close();
      return Promise.resolve(false);
    }
    return new Promise(resolve => {
      const { socket } = this;
      const ended = (): void => resolve(false);
      socket.once('close', ended);
      socket.write(bytes, error => {
        socket.off('close', ended);
        if (error === undefined || error === null) {
          this.listener.written(this, bytes.length);
          resolve(true);
        } else {
          resolve(false);
        }
      });
    });
  }

  /** Writes the same bytes until the connection ends or `goOn` says no. */
  async flood(bytes: Uint8Array, goOn: () => boolean): Promise<void> {
    while (goOn() && (await this.write(bytes)));
  }

  /** Whether the target has answered greeting and READY with its own. */
  async handshake({ socketType, identity }: { socketType: string; identity?: string }): Promise<boolean> {
    const answered = this.untilReady();
    const properties = { 'Socket-Type': socketType, ...(identity !== undefined && { Identity: identity }) };
    void this.write(Buffer.concat([greeting(), ready(properties)]));
    this.joined = await answered;
    return this.joined;
  }

  /** Hands everything that arrives to `onBytes`, or drops it without one. */
  read(onBytes?: (bytes: Buffer) => void): void {
    this.onBytes = onBytes;
    this.socket.resume();
  }

  /** Leaves what arrives in the kernel, until the target cannot send any more. */
  stopReading(): void {
    this.socket.pause();
  }

  close(): void {
    this.closing = true;
    if (this.socket instanceof TLSSocket) {
      this.socket.destroy();
    } else {
      // Without a reset every connection would keep its port for a minute. TLS cannot do that.
      this.socket.resetAndDestroy();
    }
  }

  private take(bytes: Uint8Array): void {
    this.onBytes?.(Buffer.from(bytes));
  }

  private untilReady(): Promise<boolean> {
    let seen = Buffer.alloc(0);
    return new Promise(resolve => {
      const finish = (answered: boolean): void => {
        clearTimeout(timer);
        this.socket.off('close', ended);
        this.onBytes = undefined;
        resolve(answered);
      };
      const ended = (): void => finish(false);
      const timer = setTimeout(ended, HANDSHAKE_TIMEOUT_MS);
      this.socket.once('close', ended);
      this.read(bytes => {
        seen = Buffer.concat([seen, bytes]);
        const flags = seen[GREETING_BYTES];
        const name = seen.toString('latin1', GREETING_BYTES + 2, GREETING_BYTES + 2 + READY_NAME.length);
        if (flags === COMMAND_FLAG && name === READY_NAME) {
          finish(true);
        }
      });
    });
  }
}
