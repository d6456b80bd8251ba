import { Socket } from 'node:net';

/** Bytes of one read. All connections share one buffer of this size: nothing of it is kept when a read has been handled. */
export const READ_BYTES = 64 * 1024;

export interface ReadTarget {
  /** Where the next bytes should go; `undefined` for the shared buffer. */
  readonly room: Buffer | undefined;
  /** Bytes are at `buffer[0..length]`. The buffer is reused once this returns. `false` stops reading. */
  read(buffer: Buffer, length: number): boolean;
  /** Bytes have been read into `room`. */
  filled(length: number): boolean;
}

/** libuv on Windows starts reads before there are bytes, and so needs a buffer for each connection. */
const isSharable = process.platform !== 'win32';
const shared = Buffer.allocUnsafeSlow(READ_BYTES);
/** For reads while much waits to be worked off already. */
export const smallReadBuffer = shared.subarray(0, 4 * 1024);

/** The `onread` option of a `net.Socket` that reads for `target`: no allocation for a read, and none of a copy for large bodies. */
export function onreadFor(target: ReadTarget): {
  buffer: () => Buffer;
  callback: (length: number, buffer: Uint8Array) => boolean;
} {
  const own = isSharable ? shared : Buffer.allocUnsafeSlow(READ_BYTES);
  let direct: Buffer | undefined;
  return {
    buffer: () => {
      direct = target.room;
      return direct ?? own;
    },
    callback: (length, buffer) => {
      const isDirect = buffer === direct && buffer !== smallReadBuffer;
      direct = undefined;
      return isDirect ? target.filled(length) : target.read(buffer as Buffer, length);
    },
  };
}

interface WithHandle {
  _handle?: object | null;
}

/**
 * The same connection as a socket that reads for `target`. `net.Server` has no `onread` option for what it accepts, so
 * the handle moves to a new socket; where that cannot be done (TLS, or a Node without `_handle`) the socket itself is
 * used, and each read costs a buffer.
 *
 * @param accepted not reading yet (`pauseOnConnect`)
 */
export function withReader(accepted: Socket, target: ReadTarget): Socket {
  const handle = (accepted as Socket & WithHandle)._handle;
  if (accepted.constructor !== Socket || typeof handle !== 'object' || handle === null) {
    accepted.on('data', (chunk: Buffer) => {
      if (!target.read(chunk, chunk.length)) {
        accepted.pause();
      }
    });
    return accepted;
  }
  (accepted as Socket & WithHandle)._handle = null;
  // The server counts its sockets; this one has done its part.
  accepted.destroy();
  const options = { handle, onread: onreadFor(target), readable: true, writable: true, allowHalfOpen: false };
  return new Socket(options as ConstructorParameters<typeof Socket>[0]);
}
