import type { Socket } from 'node:net';

/** More than this is not waited for. */
const MAX_BYTES = 64 * 1024;
const PATIENCE_MS = 200;

/** Ends a socket. Its last bytes, such as the reason for a refusal, may leave where they are few and do so at once. */
export function dispose(socket: Socket): void {
  const { writableLength, destroyed } = socket;
  if (destroyed || writableLength === 0 || writableLength > MAX_BYTES) {
    socket.destroy();
    return;
  }
  socket.pause();
  socket.destroySoon();
  // Not the socket's own timeout, which a peer puts off by reading a little.
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
