import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { readCommand, type Command } from '../../lib/zmtp/command.js';
import { encodeReady } from '../../lib/zmtp/commands.js';
import { encodeFrame, FrameFlag } from '../../lib/zmtp/frame-header.js';
import { FrameReader, type FrameSink } from '../../lib/zmtp/frame-reader.js';
import { encodeGreeting, GREETING_BYTES } from '../../lib/zmtp/greeting.js';
import { onCleanup, until } from './zmq-app.js';

export const GREETING = encodeGreeting({ mechanism: 'NULL', asServer: false });
export const READY = encodeReady({ 'Socket-Type': 'DEALER', Identity: '' });
export const HANDSHAKE = Buffer.concat([GREETING, READY]);

/** The header of a long frame that declares any length. */
export function longHeader(flags: number, length: bigint): Buffer {
  const header = Buffer.alloc(9);
  header[0] = flags | FrameFlag.Long;
  header.writeBigUInt64BE(length, 1);
  return header;
}

/** A message as it crosses the wire. */
export function messageBytes(...frames: readonly (string | Uint8Array)[]): Buffer {
  const last = frames.length - 1;
  return Buffer.concat(
    frames.map((frame, index) => encodeFrame(index < last ? FrameFlag.More : 0, Buffer.from(frame as string))),
  );
}

export interface RawZmtpOptions {
  readonly localAddress?: string | undefined;
  /** Of an encrypted connection. @defaultValue any certificate will do */
  readonly tls?: ConnectionOptions;
}

/** A client without a library: writes bytes of the test's choice and keeps what comes back. */
export class RawZmtp {
  readonly socket: Socket;
  readonly messages: string[][] = [];
  readonly commands: Command[] = [];
  /** All bytes that came, the greeting among them. */
  bytes = 0;
  hasEnded = false;
  private isConnected = false;
  private readonly connectedEvent: string;
  private readonly greeting: number[] = [];
  private message: string[] = [];
  private readonly reader = new FrameReader(this.sink());

  constructor(endpoint: string, { localAddress, tls = { rejectUnauthorized: false } }: RawZmtpOptions = {}) {
    const [, scheme, host = '', port = ''] = /^(tcp|tls):\/\/\[?(.*?)\]?:(\d+)$/.exec(endpoint) ?? [];
    const to = { host, port: Number(port), ...(localAddress !== undefined && { localAddress }) };
    this.socket = scheme === 'tls' ? connectTls({ ...to, ...tls } as ConnectionOptions) : connect(to);
    this.connectedEvent = scheme === 'tls' ? 'secureConnect' : 'connect';
    this.socket.once(this.connectedEvent, () => {
      this.isConnected = true;
    });
    this.socket.setNoDelay();
    this.socket.on('data', chunk => this.read(chunk));
    // The server may hang up, with a reset where it has left bytes unread.
    this.socket.on('error', () => undefined);
    this.socket.once('close', () => {
      this.hasEnded = true;
    });
    onCleanup(() => this.socket.destroy());
  }

  /** Connected and through with the handshake. */
  static async open(endpoint: string, options: RawZmtpOptions = {}): Promise<RawZmtp> {
    const client = new RawZmtp(endpoint, options);
    await client.handshake();
    return client;
  }

  get commandNames(): string[] {
    return this.commands.map(({ name }) => name);
  }

  async handshake(bytes: Uint8Array = HANDSHAKE): Promise<void> {
    this.socket.write(bytes);
    await until(() => this.commandNames.includes('READY') || this.hasEnded);
    if (this.hasEnded) {
      throw new Error('The server has hung up during the handshake');
    }
  }

  /** Connected, and encrypted if it is to be. */
  async connected(): Promise<void> {
    if (!this.isConnected) {
      await once(this.socket, this.connectedEvent);
    }
  }

  /** Connected, whether anybody answers or not. */
  async reached(): Promise<void> {
    if (this.socket.connecting) {
      await once(this.socket, 'connect');
    }
  }

  write(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  send(...frames: readonly (string | Uint8Array)[]): void {
    this.socket.write(messageBytes(...frames));
  }

  async untilEnded(timeout?: number): Promise<void> {
    await until(() => this.hasEnded, timeout);
  }

  private sink(): FrameSink {
    return {
      begin: () => 'read',
      skipped: () => true,
      refuse: ({ code }) => {
        throw new Error(`The server sent what is no frame: ${code}`);
      },
      frame: (flags, body) => {
        if ((flags & FrameFlag.Command) !== 0) {
          this.commands.push(readCommand(body) as Command);
          return true;
        }
        this.message.push(String(body));
        if ((flags & FrameFlag.More) === 0) {
          this.messages.push(this.message);
          this.message = [];
        }
        return true;
      },
    };
  }

  private read(chunk: Buffer): void {
    this.bytes += chunk.length;
    const start = Math.min(chunk.length, GREETING_BYTES - this.greeting.length);
    this.greeting.push(...chunk.subarray(0, start));
    this.reader.read(chunk, start, chunk.length);
  }
}

/** Awaits connections of which the gate may keep some without an answer: what `count` of them have said and done. */
export async function openMany(endpoint: string, count: number, options: RawZmtpOptions = {}) {
  const clients = Array.from({ length: count }, () => new RawZmtp(endpoint, options));
  await Promise.all(clients.map(client => client.reached().catch(() => undefined)));
  return clients;
}
