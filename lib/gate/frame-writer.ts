import type { Socket } from 'node:net';
import type { SendOutcome } from '../socket/server-socket.js';
import { FrameFlag, frameHeaderBytes, MAX_FRAME_HEADER_BYTES, writeFrameHeader } from '../zmtp/frame-header.js';

/** Bytes that may wait in one connection's socket before sending waits. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Gathered bytes that are worth a write before everything that is ready has run. */
const EARLY_FLUSH_BYTES = 16 * 1024;
/** Larger frames are written as they are, smaller ones copied together. */
const COPY_BYTES = 8 * 1024;
const SCRATCH_BYTES = 64 * 1024;

/** One for all connections: a write that the kernel takes at once leaves it free again. */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

export interface FrameWriterOptions {
  readonly socket: Socket;
  /** What knows better than the socket how much has left, if it is encrypted. */
  readonly carrier?: { readonly taken: number } | undefined;
  /** Bytes that wait have changed by so many. */
  readonly onHeld?: (change: number) => void;
}

/**
 * Writes messages to one connection. What is sent in one turn leaves in one system call; beyond a high-water mark,
 * `send()` waits for the peer.
 */
export class FrameWriter {
  private readonly socket: Socket;
  private gathered: Uint8Array[] = [];
  private gatheredBytes = 0;
  private scheduled = false;
  private held = 0;
  private total = 0;
  private closed = false;
  private waiter: ((outcome: SendOutcome) => void) | undefined;

  constructor(private readonly options: FrameWriterOptions) {
    this.socket = options.socket;
  }

  /** Bytes of writes that the kernel has not taken to the end. */
  get queued(): number {
    return this.gatheredBytes + this.socket.writableLength;
  }

  /** Whether sending waits for the peer. */
  get isWaiting(): boolean {
    return this.waiter !== undefined;
  }

  /** Bytes that were ever given to this writer. */
  get offered(): number {
    return this.total;
  }

  /** Bytes that the kernel has not taken, as far as that can be told; never fewer. */
  get waiting(): number {
    const { socket, carrier } = this.options;
    return this.gatheredBytes + (carrier === undefined ? unsentBytes(socket) : socket.writableLength);
  }

  /** Bytes that the kernel has taken; encrypted ones as they are on the wire. */
  get taken(): number {
    return this.options.carrier?.taken ?? this.total - this.waiting;
  }

  send(frames: readonly Uint8Array[]): SendOutcome | Promise<SendOutcome> {
    if (this.closed) {
      return 'gone';
    }
    if (this.waiter !== undefined) {
      // Who sends without waiting for the outcome, such as refusals, must not fill the memory with them.
      return 'full';
    }
    const last = frames.length - 1;
    for (let index = 0; index <= last; index++) {
      this.frame(frames[index] as Uint8Array, index < last ? FrameFlag.More : 0);
    }
    return this.queued < HIGH_WATER_BYTES ? 'sent' : this.waitForRoom();
  }

  /** Bytes that are frames already, such as commands. */
  raw(bytes: Uint8Array): void {
    if (!this.closed) {
      this.add(bytes);
    }
  }

  flush(): void {
    this.scheduled = false;
    if (this.gatheredBytes === 0 || this.closed) {
      return;
    }
    const chunks = this.gathered;
    const bytes = this.gatheredBytes;
    this.gathered = [];
    this.gatheredBytes = 0;
    if (bytes > SCRATCH_BYTES) {
      this.writeMany(chunks);
    } else if ('encrypted' in this.socket) {
      // Never taken at once, so that each write would need a scratch of its own.
      this.writeOwned(chunks, 0, chunks.length, bytes);
    } else {
      this.writeCopied(chunks, 0, chunks.length, bytes);
    }
    this.account();
  }

  /** Takes nothing more. What the socket has is the socket's. */
  close(): void {
    this.closed = true;
    this.gathered = [];
    this.gatheredBytes = 0;
    this.settle('gone');
    this.change(-this.held);
  }

  private frame(body: Uint8Array, flags: number): void {
    const { length } = body;
    if (length <= COPY_BYTES) {
      const bytes = Buffer.allocUnsafe(frameHeaderBytes(length) + length);
      bytes.set(body, writeFrameHeader(bytes, 0, { flags, length }));
      this.add(bytes);
      return;
    }
    const header = Buffer.allocUnsafe(MAX_FRAME_HEADER_BYTES);
    writeFrameHeader(header, 0, { flags, length });
    this.add(header);
    this.add(body);
  }

  private add(bytes: Uint8Array): void {
    this.gathered.push(bytes);
    this.gatheredBytes += bytes.length;
    this.total += bytes.length;
    if (this.gatheredBytes >= EARLY_FLUSH_BYTES) {
      this.flush();
    } else if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(() => this.flush());
    }
  }

  private writeMany(chunks: readonly Uint8Array[]): void {
    this.socket.cork();
    let from = 0;
    let bytes = 0;
    for (let index = 0; index < chunks.length; index++) {
      const { length } = chunks[index] as Uint8Array;
      if (length > COPY_BYTES) {
        this.writeOwned(chunks, from, index, bytes);
        this.socket.write(chunks[index] as Uint8Array, this.onWritten);
        from = index + 1;
        bytes = 0;
      } else {
        bytes += length;
      }
    }
    this.writeOwned(chunks, from, chunks.length, bytes);
    this.socket.uncork();
  }

  /** Corked writes are made later, so that the scratch cannot serve more than one of them. */
  private writeOwned(chunks: readonly Uint8Array[], from: number, to: number, bytes: number): void {
    if (to - from === 1) {
      this.socket.write(chunks[from] as Uint8Array, this.onWritten);
    } else if (to > from) {
      this.socket.write(Buffer.concat(chunks.slice(from, to), bytes), this.onWritten);
    }
  }

  private writeCopied(chunks: readonly Uint8Array[], from: number, to: number, bytes: number): void {
    if (to - from === 1) {
      this.socket.write(chunks[from] as Uint8Array, this.onWritten);
      return;
    }
    let at = 0;
    for (let index = from; index < to; index++) {
      const chunk = chunks[index] as Uint8Array;
      scratch.set(chunk, at);
      at += chunk.length;
    }
    this.socket.write(scratch.subarray(0, bytes), this.onWritten);
    if (this.socket.writableLength > 0) {
      // The socket still needs it.
      scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    }
  }

  private waitForRoom(): SendOutcome | Promise<SendOutcome> {
    this.flush();
    if (this.queued < HIGH_WATER_BYTES) {
      return 'sent';
    }
    return new Promise(resolve => {
      this.waiter = resolve;
    });
  }

  private readonly onWritten = (): void => {
    this.account();
    if (this.waiter !== undefined && this.queued < HIGH_WATER_BYTES) {
      this.settle('sent');
    }
  };

  private settle(outcome: SendOutcome): void {
    const { waiter } = this;
    this.waiter = undefined;
    waiter?.(outcome);
  }

  private account(): void {
    if (!this.closed) {
      this.change(this.socket.writableLength - this.held);
    }
  }

  private change(bytes: number): void {
    if (bytes !== 0) {
      this.held += bytes;
      this.options.onHeld?.(bytes);
    }
  }
}

interface Internals {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
  readonly _bytesDispatched?: number;
}

/** A socket counts a write as a whole until the last byte of it has left; what lies beneath knows better. */
function unsentBytes(socket: Socket): number {
  const { _handle, _bytesDispatched } = socket as unknown as Internals;
  const dispatched = _handle?.writeQueueSize;
  return dispatched === undefined || _bytesDispatched === undefined
    ? socket.writableLength
    : Math.min(socket.writableLength, dispatched + socket.bytesWritten - _bytesDispatched);
}
