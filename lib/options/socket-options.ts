import { describe } from './bytes.js';
import { flag, integer, invalid, milliseconds, resolveFields, type Field, type Resolved } from './fields.js';

/** Idle time, probe interval and number of probes of TCP keepalive. */
export interface ZmqKeepaliveOptions {
  /** Seconds without traffic before the first probe. @defaultValue 60 */
  readonly idle?: number;
  /** Seconds between probes. @defaultValue 10 */
  readonly interval?: number;
  /** Unanswered probes after which the connection is given up. @defaultValue 6 */
  readonly count?: number;
}

/** Settings of the underlying ZeroMQ socket. The defaults are safe; change them only for a measured reason. */
export interface ZmqSocketOptions {
  /** Messages that libzmq queues towards one peer before sending waits (`ZMQ_SNDHWM`), 1 to 1,000,000. @defaultValue 1000 */
  readonly sendHighWaterMark?: number;
  /** Messages that libzmq queues from one peer before TCP pushes back (`ZMQ_RCVHWM`), 1 to 1,000,000. @defaultValue 1000 */
  readonly receiveHighWaterMark?: number;
  /** Milliseconds that closing waits for unsent messages (`ZMQ_LINGER`), 0 to 60,000. @defaultValue 1000 */
  readonly linger?: number;
  /** Milliseconds that a peer has for the ZMTP handshake (`ZMQ_HANDSHAKE_IVL`), 10 to 60,000. @defaultValue 2000 */
  readonly handshakeInterval?: number;
  /** TCP keepalive: `false` for off, `true` for the defaults of {@link ZmqKeepaliveOptions}. @defaultValue true */
  readonly tcpKeepalive?: boolean | ZmqKeepaliveOptions;
  /** Length of the queue of connections not yet accepted (`ZMQ_BACKLOG`), 1 to 65,535; used by servers. @defaultValue 511 */
  readonly backlog?: number;
  /**
   * I/O threads of the ZeroMQ context (`ZMQ_IO_THREADS`), 1 to 64. Sockets with the same number share a context;
   * `inproc://` works only within one. One thread carries about a gigabyte a second. @defaultValue 1
   */
  readonly ioThreads?: number;
  /** Accept and resolve IPv6 beside IPv4 (`ZMQ_IPV6`). @defaultValue true where an endpoint is an IPv6 address */
  readonly ipv6?: boolean;
}

const KEEPALIVE_FIELDS = {
  idle: integer({ min: 1, max: 86_400, fallback: 60 }),
  interval: integer({ min: 1, max: 3_600, fallback: 10 }),
  count: integer({ min: 1, max: 100, fallback: 6 }),
};

const keepalive: Field<Resolved<typeof KEEPALIVE_FIELDS> | false> = (value = true, option) => {
  if (typeof value === 'boolean') {
    return value && resolveFields({}, KEEPALIVE_FIELDS, option);
  }
  if (typeof value !== 'object') {
    throw invalid(`${option} must be true, false or { idle, interval, count }, but is ${describe(value)}.`);
  }
  return resolveFields(value, KEEPALIVE_FIELDS, option);
};

export const SOCKET_FIELDS = {
  sendHighWaterMark: integer({ min: 1, max: 1_000_000, fallback: 1_000 }),
  receiveHighWaterMark: integer({ min: 1, max: 1_000_000, fallback: 1_000 }),
  linger: milliseconds({ min: 0, max: 60_000, fallback: 1_000 }),
  handshakeInterval: milliseconds({ min: 10, max: 60_000, fallback: 2_000 }),
  tcpKeepalive: keepalive,
  backlog: integer({ min: 1, max: 65_535, fallback: 511 }),
  ioThreads: integer({ min: 1, max: 64, fallback: 1 }),
  ipv6: flag(false),
};

export type ResolvedSocketOptions = Resolved<typeof SOCKET_FIELDS>;
