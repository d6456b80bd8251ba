import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { READ_BYTES, type ReadTarget } from './socket-reader.js';

/** Bytes that a record has beside its content, with the most wasteful cipher of TLS 1.2. */
const RECORD_BYTES = 96;
/** Bytes a second that may come without content. A record that changes a key has 27 of them, and takes as long as 10 KB of content. */
export const MAX_EMPTY_BYTES = 64 * 1024;

/** Bytes that are held for one that waits to be sent: it is there as it was given, and encrypted. */
export const ENCRYPTED_FACTOR = 2;

interface Internals {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** A connection that TLS has come to terms on: the socket that speaks it, on the one that carries it. */
export class Encrypted {
  private records = 0;
  private emptyBytes = 0;

  constructor(
    readonly socket: TLSSocket,
    private readonly carrier: Socket,
  ) {
    this.emptyBytes = carrier.bytesRead - socket.bytesRead;
  }

  /** Bytes on the wire that the kernel has taken. What the socket itself tells is how much was encrypted. */
  get taken(): number {
    const { _handle } = this.carrier as unknown as Internals;
    return this.carrier.bytesWritten - (_handle?.writeQueueSize ?? 0);
  }

  /**
   * Reads for `target`. What has been decrypted is handed over at once, whether it is wanted or not: left in the socket, it
   * would be memory that nobody counts.
   */
  readFor(target: ReadTarget): TLSSocket {
    const { socket } = this;
    const push = socket.push.bind(socket);
    const resume = socket.resume.bind(socket);
    const read = (chunk: Buffer): boolean => {
      this.records++;
      return target.read(chunk, chunk.length);
    };
    socket.push = (chunk: Buffer | null) => (chunk === null ? push(null) : read(chunk));
    socket.resume = () => {
      resume();
      // The stream does not know that reading was stopped.
      if (!socket.destroyed) {
        socket._read(READ_BYTES);
      }
      return socket;
    };
    // What came before this, if anything did.
    socket.on('data', read);
    return socket;
  }

  /**
   * How many bytes without content have come since the last look, a second ago, if there were too many; else 0. TLS works
   * on them without telling, so that no other limit sees them.
   */
  tooEmpty(): number {
    const empty = this.carrier.bytesRead - this.socket.bytesRead - RECORD_BYTES * this.records;
    const more = empty - this.emptyBytes;
    // Records that are shorter than assumed are no credit for later.
    this.emptyBytes = empty;
    return more > MAX_EMPTY_BYTES ? more : 0;
  }
}
