import type { ResolvedSocketOptions } from '../options/socket-options.js';
import { isIPv6Endpoint } from '../options/endpoint.js';
import { zeromqContext } from './zeromq-context.js';

/**
 * Room in a frame beside one payload of the largest size: packet header, longest pattern, largest metadata, JSON
 * envelope. libzmq closes the connection above it, so it must never hit a message that our own limits would answer.
 */
const FRAME_OVERHEAD = 256 * 1024;

/** Options that every zeromq socket of this library gets. */
export function zeromqOptions(
  socket: ResolvedSocketOptions,
  { maxMessageSize, endpoints }: { maxMessageSize: number; endpoints: readonly string[] },
) {
  const { tcpKeepalive } = socket;
  return {
    context: zeromqContext(socket.ioThreads),
    sendHighWaterMark: socket.sendHighWaterMark,
    receiveHighWaterMark: socket.receiveHighWaterMark,
    linger: socket.linger,
    handshakeInterval: socket.handshakeInterval,
    maxMessageSize: maxFrameSize(maxMessageSize),
    backlog: socket.backlog,
    ipv6: socket.ipv6 || endpoints.some(isIPv6Endpoint),
    tcpKeepalive: tcpKeepalive === false ? 0 : 1,
    ...(tcpKeepalive !== false && {
      tcpKeepaliveIdle: tcpKeepalive.idle,
      tcpKeepaliveInterval: tcpKeepalive.interval,
      tcpKeepaliveCount: tcpKeepalive.count,
    }),
  };
}

/** Bytes of one frame, for payloads of so many. */
function maxFrameSize(maxMessageSize: number): number {
  return maxMessageSize + FRAME_OVERHEAD;
}
