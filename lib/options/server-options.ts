import type { Deserializer, Serializer } from '@nestjs/microservices';
import { totalmem } from 'node:os';
import type { Bytes } from './bytes.js';
import {
  ZMQ_DEFAULT_CONCURRENCY,
  ZMQ_DEFAULT_ENDPOINT,
  ZMQ_DEFAULT_MAX_MEMORY_BUDGET,
  ZMQ_DEFAULT_MAX_MESSAGE_SIZE,
} from './defaults.js';
import { bindEndpoints } from './endpoint.js';
import {
  byteSize,
  group,
  integer,
  invalid,
  milliseconds,
  objectWith,
  resolveFields,
  type Field,
  type Resolved,
} from './fields.js';
import { SOCKET_FIELDS, type ZmqSocketOptions } from './socket-options.js';

/** What one peer may send and make the server keep. Whatever exceeds a limit is refused with a coded error. */
export interface ZmqServerLimits {
  /** Largest payload in either direction. Larger requests are refused undecoded (`PAYLOAD_TOO_LARGE`), larger replies become `RESPONSE_TOO_LARGE`. @defaultValue '1mb' */
  readonly maxMessageSize?: Bytes;
  /** Packets in one batch (`MALFORMED` above), 1 to 65,536. @defaultValue 4096 */
  readonly maxBatchPackets?: number;
  /** Length of a pattern in bytes, 1 to 65,535. @defaultValue 256 */
  readonly maxPatternLength?: number;
  /** Encoded size of a packet's metadata, at most 64 KB. @defaultValue '8kb' */
  readonly maxMetadataSize?: Bytes;
  /** Depth of nesting in a payload, 1 to 1,024. @defaultValue 32 */
  readonly maxDepth?: number;
  /** Values, keys and containers in a payload. @defaultValue 100,000 */
  readonly maxTokens?: number;
  /** Digits of a number in a payload. @defaultValue 64 */
  readonly maxNumberLength?: number;
  /** Peers whose state is kept at a time. @defaultValue 10,000 */
  readonly maxPeers?: number;
  /** Streams open at a time in the whole server; more are refused (`OVERLOADED`). @defaultValue 10,000 */
  readonly maxStreams?: number;
  /** Requests and streams open at a time for one peer; more are refused (`OVERLOADED`). @defaultValue 4096 */
  readonly maxRequestsPerPeer?: number;
  /** Values of one stream that wait for a slow consumer; above it the stream ends with `BACKPRESSURE`. @defaultValue '16mb' */
  readonly streamBuffer?: Bytes;
  /** Replies that wait for one peer. Beyond it replies wait with their requests, within `memoryBudget`; for a peer that takes none they become `BACKPRESSURE` errors. @defaultValue '16mb' */
  readonly outboxSize?: Bytes;
  /** Events that one client may have on the way, i.e. sent and not yet handled. @defaultValue '1mb' */
  readonly eventWindow?: Bytes;
}

export interface ZmqConcurrencyOptions {
  /** Handlers that run at the same time; reading from the network pauses above it, 1 to 1,000,000. @defaultValue 1024 */
  readonly limit?: number;
  /**
   * Milliseconds without a single handler finishing after which a paused server reads on and refuses new requests with
   * `OVERLOADED`, so that cancellations still reach the handlers that hold everything up, 10 to 600,000. @defaultValue 1000
   */
  readonly stallTimeout?: number;
}

/** Options of `ServerZmq`. All are optional; unknown or contradictory ones are refused with `INVALID_OPTIONS`. */
export interface ZmqServerOptions {
  /** One or several of `tcp://host:port`, `ipc://path`, `inproc://name`; the port `*` takes any free one. @defaultValue 'tcp://127.0.0.1:5555' */
  readonly bind?: string | readonly string[];
  readonly limits?: ZmqServerLimits;
  /** Number of handlers that run at the same time, or more detail. @defaultValue 1024 */
  readonly concurrency?: number | ZmqConcurrencyOptions;
  /**
   * Bytes that requests being handled and replies not yet sent may hold in the whole server; reading pauses above it.
   * @defaultValue a quarter of the memory that the process may use, at most 256 MB
   */
  readonly memoryBudget?: Bytes;
  /** Nest serializer for replies: sees `{ id, response, isDisposed }`. Errors do not go through it. */
  readonly serializer?: Serializer;
  /** Nest deserializer for requests and events: sees `{ id, pattern, data, metadata }`. */
  readonly deserializer?: Deserializer;
  /** Milliseconds that `close()` lets running handlers finish, 0 to 3,600,000. @defaultValue 10000 */
  readonly drainTimeout?: number;
  /** Milliseconds after which a peer that takes no replies is given up, 100 to 3,600,000. @defaultValue 10000 */
  readonly stallTimeout?: number;
  /** Milliseconds after which a silent client is taken for dead and its requests are cancelled, 1,000 to 86,400,000. @defaultValue 60000 */
  readonly leaseTimeout?: number;
  /** Milliseconds of silence after which the server shows its clients that it lives, 100 to 3,600,000. @defaultValue 5000 */
  readonly heartbeatInterval?: number;
  readonly socket?: ZmqSocketOptions;
}

const KIBI = 1024;
const MEBI = 1024 ** 2;
const GIBI = 1024 ** 3;

const LIMIT_FIELDS = {
  maxMessageSize: byteSize({ min: 64, max: GIBI, fallback: ZMQ_DEFAULT_MAX_MESSAGE_SIZE }),
  maxBatchPackets: integer({ min: 1, max: 65_536, fallback: 4_096 }),
  maxPatternLength: integer({ min: 1, max: 65_535, fallback: 256 }),
  maxMetadataSize: byteSize({ min: 0, max: 65_535, fallback: 8 * KIBI }),
  maxDepth: integer({ min: 1, max: 1_024, fallback: 32 }),
  maxTokens: integer({ min: 1, max: 100_000_000, fallback: 100_000 }),
  maxNumberLength: integer({ min: 20, max: 10_000, fallback: 64 }),
  maxPeers: integer({ min: 1, max: 1_000_000, fallback: 10_000 }),
  maxStreams: integer({ min: 1, max: 1_000_000, fallback: 10_000 }),
  maxRequestsPerPeer: integer({ min: 1, max: 1_000_000, fallback: 4_096 }),
  streamBuffer: byteSize({ min: KIBI, max: GIBI, fallback: 16 * MEBI }),
  outboxSize: byteSize({ min: KIBI, max: GIBI, fallback: 16 * MEBI }),
  eventWindow: byteSize({ min: KIBI, max: GIBI, fallback: MEBI }),
};

const CONCURRENCY_FIELDS = {
  limit: integer({ min: 1, max: 1_000_000, fallback: ZMQ_DEFAULT_CONCURRENCY }),
  stallTimeout: milliseconds({ min: 10, max: 600_000, fallback: 1_000 }),
};

const concurrency: Field<Resolved<typeof CONCURRENCY_FIELDS>> = (value, option) =>
  typeof value === 'number'
    ? Object.freeze({
        ...resolveFields({}, CONCURRENCY_FIELDS, option),
        limit: CONCURRENCY_FIELDS.limit(value, option),
      })
    : resolveFields(value, CONCURRENCY_FIELDS, option);

const SERVER_FIELDS = {
  bind: bindEndpoints(ZMQ_DEFAULT_ENDPOINT),
  limits: group(LIMIT_FIELDS),
  concurrency,
  memoryBudget: ((value = defaultMemoryBudget(), option) =>
    byteSize({ min: MEBI, max: 1024 * GIBI, fallback: 0 })(value, option)) as Field<number>,
  serializer: objectWith<Serializer>('serialize'),
  deserializer: objectWith<Deserializer>('deserialize'),
  drainTimeout: milliseconds({ min: 0, max: 3_600_000, fallback: 10_000 }),
  stallTimeout: milliseconds({ min: 100, max: 3_600_000, fallback: 10_000 }),
  leaseTimeout: milliseconds({ min: 1_000, max: 86_400_000, fallback: 60_000 }),
  heartbeatInterval: milliseconds({ min: 100, max: 3_600_000, fallback: 5_000 }),
  socket: group(SOCKET_FIELDS),
};

export type ResolvedServerOptions = Resolved<typeof SERVER_FIELDS>;
export type ResolvedServerLimits = ResolvedServerOptions['limits'];

/**
 * Completes and checks the options of a server.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option.
 */
export function resolveServerOptions(options: ZmqServerOptions | undefined): ResolvedServerOptions {
  const resolved = resolveFields(options, SERVER_FIELDS, 'ServerZmq options');
  const { limits, memoryBudget, leaseTimeout, heartbeatInterval } = resolved;
  if (limits.maxMessageSize > memoryBudget) {
    throw invalid(
      `ServerZmq options.limits.maxMessageSize (${limits.maxMessageSize}) must not exceed memoryBudget (${memoryBudget}).`,
    );
  }
  if (limits.maxMessageSize > limits.outboxSize) {
    throw invalid(
      `ServerZmq options.limits.outboxSize (${limits.outboxSize}) must hold a reply of maxMessageSize (${limits.maxMessageSize}).`,
    );
  }
  if (leaseTimeout <= heartbeatInterval) {
    throw invalid(
      `ServerZmq options.leaseTimeout (${leaseTimeout}) must be longer than heartbeatInterval (${heartbeatInterval}).`,
    );
  }
  return resolved;
}

function defaultMemoryBudget(): number {
  const constrained = process.constrainedMemory();
  const available = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(MEBI * 2, Math.min(Math.floor(available / 4), ZMQ_DEFAULT_MAX_MEMORY_BUDGET));
}
