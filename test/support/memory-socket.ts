import { EventEmitter } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';

/** As much of a socket as the gate needs, without a network: what is pushed is read, what is written is kept. */
export class MemorySocket extends EventEmitter {
  readonly written: Buffer[] = [];
  readonly writableLength = 0;
  destroyed = false;
  private isPaused = true;
  private isLeaving = false;
  private readonly waiting: Buffer[] = [];

  constructor(readonly remoteAddress: string) {
    super();
  }

  /** Bytes come from the peer. */
  push(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.flow();
  }

  /** The peer closes the connection, behind what it has sent. */
  leave(): void {
    this.isLeaving = true;
    this.flow();
  }

  write(bytes: Uint8Array, onWritten?: () => void): boolean {
    this.written.push(Buffer.from(bytes));
    if (onWritten !== undefined) {
      queueMicrotask(onWritten);
    }
    return true;
  }

  pause(): this {
    this.isPaused = true;
    return this;
  }

  resume(): this {
    this.isPaused = false;
    queueMicrotask(() => this.flow());
    return this;
  }

  end(): void {
    queueMicrotask(() => this.destroy());
  }

  destroySoon(): void {
    this.destroy();
  }

  destroy(): this {
    if (!this.destroyed) {
      this.destroyed = true;
      queueMicrotask(() => this.emit('close'));
    }
    return this;
  }

  cork(): void {}

  uncork(): void {}

  setTimeout(): this {
    return this;
  }

  private flow(): void {
    while (!this.isPaused && !this.destroyed && this.waiting.length > 0) {
      this.emit('data', this.waiting.shift());
    }
    if (this.isLeaving && this.waiting.length === 0) {
      this.destroy();
    }
  }
}

/** A server that accepts what the test gives it. */
export class MemoryServer extends EventEmitter {
  listening = false;

  listen(): this {
    this.listening = true;
    process.nextTick(() => this.emit('listening'));
    return this;
  }

  address(): AddressInfo {
    return { address: '127.0.0.1', family: 'IPv4', port: 1 };
  }

  close(onClosed: () => void): this {
    this.listening = false;
    process.nextTick(onClosed);
    return this;
  }

  accept(remoteAddress: string): MemorySocket {
    const socket = new MemorySocket(remoteAddress);
    this.emit('connection', socket as unknown as Socket);
    return socket;
  }

  asServer(): Server {
    return this as unknown as Server;
  }
}
