import type { Deserializer, Serializer } from '@nestjs/microservices';
import type { Bytes } from './bytes.js';
import {
  ZMQ_DEFAULT_CONNECT_TIMEOUT,
  ZMQ_DEFAULT_ENDPOINT,
  ZMQ_DEFAULT_MAX_MESSAGE_SIZE,
  ZMQ_DEFAULT_STREAM_WINDOW,
  ZMQ_DEFAULT_TIMEOUT,
} from './defaults.js';
import { plainOptions, signingOptions, type ZmqPlainOptions, type ZmqSigningOptions } from './credential-options.js';
import { clientCurveOptions, type ZmqClientCurveOptions } from './curve-options.js';
import { connectEndpoints, isExposed } from './endpoint.js';
import {
  byteSize,
  choice,
  flag,
  group,
  integer,
  invalid,
  milliseconds,
  objectWith,
  resolveFields,
  type Resolved,
} from './fields.js';
import { retryOptions, type ZmqRetryOptions } from './retry-options.js';
import { SOCKET_FIELDS, type ZmqSocketOptions } from './socket-options.js';
import { clientTlsOptions, type ZmqClientTlsOptions } from './tls-options.js';

/** How values other than binary ones are written: `json`, or `msgpack` where both sides have the package `msgpackr`. */
export type ZmqEncoding = 'json' | 'msgpack';

/** What the client accepts and keeps. Whatever exceeds a limit is refused with a coded error. */
export interface ZmqClientLimits {
  /** Largest reply; the server is told and answers `RESPONSE_TOO_LARGE` above it. @defaultValue '1mb' */
  readonly maxMessageSize?: Bytes;
  /** Requests without an answer at a time; more are refused with `BACKPRESSURE`, 1 to 10,000,000. @defaultValue 65,536 */
  readonly maxPending?: number;
  /** Requests and events that wait to be sent to one endpoint, or for a connection; more are refused with `BACKPRESSURE`. @defaultValue 65,536 */
  readonly outboxMessages?: number;
  /** The same in bytes. @defaultValue '32mb' */
  readonly outboxSize?: Bytes;
  /** Depth of nesting in a reply. @defaultValue 64 */
  readonly maxDepth?: number;
  /** Values, keys and containers in a reply. @defaultValue 1,000,000 */
  readonly maxTokens?: number;
}

export interface ZmqHeartbeatOptions {
  /** Milliseconds of silence after which the client pings, 100 to 3,600,000. @defaultValue 5000 */
  readonly interval?: number;
  /** Milliseconds of silence after which a connection is taken for lost, longer than `interval`. @defaultValue 30000 */
  readonly timeout?: number;
}

export interface ZmqReconnectOptions {
  /** Milliseconds before the first new attempt; it doubles from there, with jitter, 1 to 60,000. @defaultValue 100 */
  readonly minDelay?: number;
  /** Most milliseconds between two attempts, 1 to 3,600,000. @defaultValue 5000 */
  readonly maxDelay?: number;
}

/** What carries `tcp://` endpoints: this library's own ZMTP on Node's sockets, or libzmq. */
export type ZmqEngine = 'gate' | 'zeromq';

/** Options of `ClientZmq`. All are optional; unknown or contradictory ones are refused with `INVALID_OPTIONS`. */
export interface ZmqClientOptions {
  /** One or several endpoints; each request goes to the connected one with the fewest requests under way. @defaultValue 'tcp://127.0.0.1:5555' */
  readonly connect?: string | readonly string[];
  /**
   * What carries `tcp://` endpoints: `gate`, ZMTP 3.1 on Node's own sockets, which is faster and bounds a message as a
   * whole, or `zeromq` (libzmq). `tls://` is always carried by `gate`; `ipc://`, `inproc://` and CURVE by `zeromq`. @defaultValue 'gate'
   */
  readonly engine?: ZmqEngine;
  /** For `tls://` endpoints: who signs the server's certificate, and the client's own for mutual TLS. */
  readonly tls?: ZmqClientTlsOptions;
  /** CURVE for `tcp://` and `ipc://` endpoints. */
  readonly curve?: ZmqClientCurveOptions;
  /** User name and password (PLAIN). Refused for endpoints on other machines but `tls://`, unless `allowInsecure`. */
  readonly plain?: ZmqPlainOptions;
  /** Signs each request and event, for servers that are reached without TLS and CURVE. */
  readonly signing?: ZmqSigningOptions;
  /** Sends a password even where others can read it. @defaultValue false */
  readonly allowInsecure?: boolean;
  /**
   * Milliseconds within which the first answer to a request must arrive, else `DEADLINE_EXCEEDED`; 0 for no limit. A
   * stream that has begun has no deadline. Overridden per call by `ZmqRecordBuilder.setTimeout()`. @defaultValue 30000
   */
  readonly timeout?: number;
  /** Milliseconds that `connect()`, or a request without a connection, waits for a server, else `DISCONNECTED`. @defaultValue 5000 */
  readonly connectTimeout?: number;
  /** How values are written; overridden per call by `ZmqRecordBuilder.setEncoding()`. @defaultValue 'json' */
  readonly encoding?: ZmqEncoding;
  /** Values of a stream that a server may send ahead of the consumer, 0 (no limit) to 65,535. @defaultValue 1024 */
  readonly streamWindow?: number;
  /** Whether requests made inside a handler of a `ServerZmq` end with that handler's own deadline. @defaultValue true */
  readonly inheritDeadline?: boolean;
  readonly limits?: ZmqClientLimits;
  readonly heartbeat?: ZmqHeartbeatOptions;
  readonly reconnect?: ZmqReconnectOptions;
  /**
   * Sends a request again after `RATE_LIMITED` or `OVERLOADED` of the server, or `BACKPRESSURE` of the client's own queue,
   * within the deadline of the request. A number is short for `{ attempts }`. Overridden per call by
   * `ZmqRecordBuilder.setRetry()`. @defaultValue false
   */
  readonly retry?: ZmqRetryOptions | number | false;
  /** Nest serializer for requests and events: sees `{ id?, pattern, data, metadata }`. */
  readonly serializer?: Serializer;
  /** Nest deserializer for replies: sees `{ id, response, err, isDisposed }`. */
  readonly deserializer?: Deserializer;
  readonly socket?: ZmqSocketOptions;
}

const KIBI = 1024;
const GIBI = 1024 ** 3;

const CLIENT_FIELDS = {
  connect: connectEndpoints(ZMQ_DEFAULT_ENDPOINT),
  engine: choice(['gate', 'zeromq'], 'gate'),
  tls: clientTlsOptions,
  curve: clientCurveOptions,
  plain: plainOptions,
  signing: signingOptions,
  allowInsecure: flag(false),
  timeout: milliseconds({ min: 0, max: 0x7fff_ffff, fallback: ZMQ_DEFAULT_TIMEOUT }),
  connectTimeout: milliseconds({ min: 1, max: 3_600_000, fallback: ZMQ_DEFAULT_CONNECT_TIMEOUT }),
  encoding: choice(['json', 'msgpack'], 'json'),
  streamWindow: integer({ min: 0, max: 65_535, fallback: ZMQ_DEFAULT_STREAM_WINDOW }),
  inheritDeadline: flag(true),
  limits: group({
    maxMessageSize: byteSize({ min: 64, max: GIBI, fallback: ZMQ_DEFAULT_MAX_MESSAGE_SIZE }),
    maxPending: integer({ min: 1, max: 10_000_000, fallback: 65_536 }),
    outboxMessages: integer({ min: 1, max: 10_000_000, fallback: 65_536 }),
    outboxSize: byteSize({ min: KIBI, max: 16 * GIBI, fallback: 32 * 1024 ** 2 }),
    maxDepth: integer({ min: 1, max: 1_024, fallback: 64 }),
    maxTokens: integer({ min: 1, max: 100_000_000, fallback: 1_000_000 }),
  }),
  heartbeat: group({
    interval: milliseconds({ min: 100, max: 3_600_000, fallback: 5_000 }),
    timeout: milliseconds({ min: 200, max: 86_400_000, fallback: 30_000 }),
  }),
  reconnect: group({
    minDelay: milliseconds({ min: 1, max: 60_000, fallback: 100 }),
    maxDelay: milliseconds({ min: 1, max: 3_600_000, fallback: 5_000 }),
  }),
  retry: retryOptions,
  serializer: objectWith<Serializer>('serialize'),
  deserializer: objectWith<Deserializer>('deserialize'),
  socket: group(SOCKET_FIELDS),
};

export type ResolvedClientOptions = Resolved<typeof CLIENT_FIELDS>;

/**
 * Completes and checks the options of a client.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option.
 */
export function resolveClientOptions(options: ZmqClientOptions | undefined): ResolvedClientOptions {
  const resolved = resolveFields(options, CLIENT_FIELDS, 'ClientZmq options');
  const { heartbeat } = resolved;
  if (heartbeat.timeout <= heartbeat.interval) {
    throw invalid(
      `ClientZmq options.heartbeat.timeout (${heartbeat.timeout}) must be longer than interval (${heartbeat.interval}).`,
    );
  }
  checkProtection(resolved);
  for (const name of ['reconnect', 'retry'] as const) {
    const delays = resolved[name];
    if (delays !== undefined && delays.maxDelay < delays.minDelay) {
      throw invalid(
        `ClientZmq options.${name}.maxDelay (${delays.maxDelay}) must not be shorter than minDelay (${delays.minDelay}).`,
      );
    }
  }
  return resolved;
}

function checkProtection({ connect, curve, plain, allowInsecure }: ResolvedClientOptions): void {
  if (curve !== undefined && plain !== undefined) {
    throw invalid('ClientZmq options.curve and plain cannot both be given: a connection has one mechanism.');
  }
  const open = connect.find(endpoint => endpoint.startsWith('tcp:') && isExposed(endpoint));
  if (plain !== undefined && open !== undefined && !allowInsecure) {
    throw invalid(
      `ClientZmq options.plain would send the password readable to ${open}. Connect by tls://, or use curve instead; allowInsecure: true sends it anyway.`,
    );
  }
}
