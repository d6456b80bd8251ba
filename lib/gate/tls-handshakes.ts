import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { ResolvedServerTls } from '../options/tls-options.js';
import { Encrypted } from './encrypted.js';
import { ALPN, contextFor, readServerMaterial, type ServerMaterial } from './tls-material.js';

export interface TlsHandshakesOptions {
  readonly tls: ResolvedServerTls;
  /** What was read anew is in force, or cannot be used and is not. */
  readonly onReloaded: (change: TlsReload) => void;
}

/** Outcome of looking at the files again. */
export interface TlsReload {
  /** Why the new files are not used; the old ones are then. */
  readonly error?: unknown;
  readonly validTo: Date;
}

export interface Handshake {
  /** The connection is encrypted. What its certificate is worth has not been looked at. */
  readonly secured: (encrypted: Encrypted) => void;
  /** It has ended before that; `code` says why if the peer did not just leave. */
  readonly failed: (code: string | undefined) => void;
  /** It was given up, for which the peer is not to blame. */
  readonly dropped: () => void;
}

/** For Node, which has a limit of its own: whoever begins a handshake sees to it that it takes no longer than it may. */
const LONGEST_MS = 3_600_000;

interface Pending extends Handshake {
  readonly raw: Socket;
  /** What it was begun with. */
  readonly material: ServerMaterial;
}

/**
 * The TLS side of a listener: takes raw connections that have been admitted, and gives back encrypted ones. The
 * certificate can be replaced while connections go on.
 */
export class TlsHandshakes {
  private readonly server: Server;
  private readonly pending = new Map<string, Pending>();
  private material: ServerMaterial;
  private timer: NodeJS.Timeout | undefined;

  /** @throws {@link ZmqException} `INVALID_OPTIONS` if certificate or key cannot be used */
  constructor(private readonly options: TlsHandshakesOptions) {
    const { tls } = options;
    const { material, options: context } = readServerMaterial(tls);
    this.material = material;
    this.server = createServer({
      ...context,
      handshakeTimeout: LONGEST_MS,
      ALPNProtocols: [ALPN],
      requestCert: tls.ca !== undefined,
      // Judged by the gate, so that it can say why, and that it was so.
      rejectUnauthorized: false,
      SNICallback: (servername, done) => done(null, contextFor(this.material.contexts, servername)),
    });
    forget(this.server);
    this.server.on('secureConnection', socket => this.secured(socket));
    this.server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => this.failed(socket, error));
  }

  /** Looks at the files from time to time from now on. */
  start(): void {
    const { reloadInterval } = this.options.tls;
    if (reloadInterval > 0) {
      this.timer = setInterval(() => this.reload(), reloadInterval);
      this.timer.unref();
    }
  }

  /**
   * Begins a handshake, which ends with one of the calls of `handshake`. Whoever is tired of it destroys `raw`.
   *
   * @param raw not reading yet
   */
  begin(raw: Socket, handshake: Handshake): void {
    if (raw.remoteAddress === undefined) {
      // It has left already.
      handshake.failed(undefined);
      return;
    }
    const key = keyOf(raw);
    this.pending.set(key, { ...handshake, raw, material: this.material });
    raw.once('close', () => {
      if (this.pending.get(key)?.raw === raw) {
        this.settle(key, undefined);
      }
    });
    raw.on('error', () => undefined);
    this.server.emit('connection', raw);
  }

  /** Looks whether the files say something else, and takes that over for connections from now on. */
  reload(): void {
    try {
      const { material, options } = readServerMaterial(this.options.tls);
      if (material.digest === this.material.digest) {
        return;
      }
      this.material = material;
      this.server.setSecureContext(options as TlsOptions);
      forget(this.server);
      this.options.onReloaded({ validTo: material.validTo });
    } catch (error) {
      this.options.onReloaded({ error, validTo: this.material.validTo });
    }
  }

  close(): void {
    clearInterval(this.timer);
    for (const { raw, dropped } of this.pending.values()) {
      dropped();
      raw.destroy();
    }
    this.pending.clear();
  }

  private secured(socket: TLSSocket): void {
    const key = keyOf(socket);
    const handshake = this.pending.get(key);
    this.pending.delete(key);
    if (handshake === undefined) {
      socket.destroy();
    } else if (handshake.material !== this.material && this.options.tls.ca !== undefined) {
      // Its certificate was looked at by lists that no longer hold. The carrier must not go first: TLS, which is at work
      // at this moment, would be freed at once, and the process end.
      socket.destroy();
      handshake.dropped();
    } else {
      handshake.secured(new Encrypted(socket, handshake.raw));
    }
  }

  private failed(socket: TLSSocket, error: NodeJS.ErrnoException): void {
    // Who has left has no port any more; the end of its connection tells the same.
    const key = keyOf(socket);
    const raw = this.pending.get(key)?.raw;
    socket.destroy();
    this.settle(key, error.code === 'ECONNRESET' ? undefined : (error.code ?? 'ERR_TLS'));
    raw?.destroy();
  }

  private settle(key: string, code: string | undefined): void {
    const handshake = this.pending.get(key);
    this.pending.delete(key);
    handshake?.failed(code);
  }
}

/** Of all connections at a time, there is one between two addresses and their ports. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** Node keeps what it was given as properties of the server, where whoever prints the server would print the key. */
function forget(server: Server): void {
  Object.assign(server, { key: undefined, passphrase: undefined, cert: undefined, ca: undefined, crl: undefined });
}
