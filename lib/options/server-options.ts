import type { Deserializer, Serializer } from '@nestjs/microservices';
import { totalmem } from 'node:os';
import type { Bytes } from './bytes.js';
import {
  ZMQ_DEFAULT_CONCURRENCY,
  ZMQ_DEFAULT_ENDPOINT,
  ZMQ_DEFAULT_MAX_MEMORY_BUDGET,
  ZMQ_DEFAULT_MAX_MESSAGE_SIZE,
} from './defaults.js';
import type { ZmqEngine } from './client-options.js';
import type { ZmqAuthenticator, ZmqMechanism } from './authenticator.js';
import { signaturesOptions, type ZmqSignaturesOptions } from './credential-options.js';
import { serverCurveOptions, type ZmqServerCurveOptions } from './curve-options.js';
import {
  byteSize,
  choice,
  flag,
  group,
  integer,
  invalid,
  milliseconds,
  objectWith,
  mergeFields,
  resolveFields,
  type Field,
  type Resolved,
} from './fields.js';
import { gateOptions, type ZmqGateOptions } from './gate-options.js';
import { identityOptions, type ZmqIdentityOptions } from './identity-options.js';
import {
  completeListeners,
  listenerList,
  MECHANISMS,
  optional,
  type ResolvedListener,
  type ZmqListenerOptions,
} from './listener-options.js';
import { sheddingOptions, type ZmqSheddingOptions } from './shedding-options.js';
import { SOCKET_FIELDS, type ZmqSocketOptions } from './socket-options.js';
import { serverTlsOptions, type ZmqServerTlsOptions } from './tls-options.js';

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
  /**
   * One or several of `tcp://host:port`, `tls://host:port`, `ipc://path`, `inproc://name`, or listeners with options of
   * their own; the port `*` takes any free one. What other machines can reach must be encrypted, see `allowInsecure`.
   * @defaultValue 'tcp://127.0.0.1:5555'
   */
  readonly bind?: string | ZmqListenerOptions | readonly (string | ZmqListenerOptions)[];
  /** Certificate and key for `tls://` endpoints; with `ca`, clients must show a certificate as well. */
  readonly tls?: ZmqServerTlsOptions;
  /** Key for CURVE, which all `tcp://` and `ipc://` endpoints speak then unless told otherwise; libzmq carries them. */
  readonly curve?: ZmqServerCurveOptions;
  /** ZMTP's security mechanism for all endpoints that can have it. @defaultValue 'CURVE' with `curve`, else 'NULL' */
  readonly mechanism?: ZmqMechanism;
  /** Who may connect, by name: what proves it, and which roles it has. */
  readonly identities?: Readonly<Record<string, ZmqIdentityOptions>>;
  /** Whether peers are let in that have not proven who they are. @defaultValue true while nothing says who anybody is: no `identities` for connections, no authenticator */
  readonly anonymous?: boolean;
  /** Says who peers are where `identities` cannot; asked for whom they do not know. */
  readonly authenticator?: ZmqAuthenticator;
  /** How signed requests are taken, from identities with a `signingKey`. */
  readonly signatures?: ZmqSignaturesOptions;
  /** Starts even where other machines can reach an endpoint that neither TLS nor CURVE protects. @defaultValue false */
  readonly allowInsecure?: boolean;
  readonly limits?: ZmqServerLimits;
  /** Number of handlers that run at the same time, or more detail. @defaultValue 1024 */
  readonly concurrency?: number | ZmqConcurrencyOptions;
  /**
   * Bytes that the whole server may hold: messages that are not complete, requests being handled and replies not yet
   * taken. Above its part of it a peer is not read, above the whole nobody is.
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
  /**
   * What carries `tcp://` endpoints: `gate` is this library's own, with exact limits; `zeromq` is libzmq, which cannot
   * bound its memory against a hostile peer. `tls://` is always carried by `gate`; `ipc://`, `inproc://` and CURVE by `zeromq`. @defaultValue 'gate'
   */
  readonly engine?: ZmqEngine;
  /** Limits of the engine `gate`. */
  readonly gate?: ZmqGateOptions;
  /** When new requests are refused because the process has too much to do; `false` for never. */
  readonly shedding?: ZmqSheddingOptions | false;
}

/** Options that can be changed while a server runs. */
export type ZmqLiveServerOptions = Pick<
  ZmqServerOptions,
  | 'limits'
  | 'concurrency'
  | 'memoryBudget'
  | 'drainTimeout'
  | 'stallTimeout'
  | 'leaseTimeout'
  | 'heartbeatInterval'
  | 'shedding'
>;

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
  bind: listenerList(ZMQ_DEFAULT_ENDPOINT),
  tls: serverTlsOptions,
  curve: serverCurveOptions,
  mechanism: optional(choice(MECHANISMS, 'NULL')),
  identities: identityOptions,
  anonymous: optional(flag(true)),
  authenticator: objectWith<ZmqAuthenticator>('authenticate'),
  signatures: signaturesOptions,
  allowInsecure: flag(false),
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
  engine: choice(['gate', 'zeromq'], 'gate'),
  gate: gateOptions,
  shedding: sheddingOptions,
};

export type ResolvedServerOptions = Omit<Resolved<typeof SERVER_FIELDS>, 'bind'> & {
  readonly bind: readonly ResolvedListener[];
};
export type ResolvedServerLimits = ResolvedServerOptions['limits'];

/**
 * Completes and checks the options of a server.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option.
 */
export function resolveServerOptions(options: ZmqServerOptions | undefined): ResolvedServerOptions {
  const where = 'ServerZmq options';
  const resolved = resolveFields(options, SERVER_FIELDS, where);
  return checked(Object.freeze({ ...resolved, bind: completeListeners(resolved.bind, resolved, where) }), where);
}

/** Options that can be changed while the server runs. */
export const LIVE_OPTIONS = [
  'limits',
  'concurrency',
  'memoryBudget',
  'drainTimeout',
  'stallTimeout',
  'leaseTimeout',
  'heartbeatInterval',
  'shedding',
] as const satisfies readonly (keyof ZmqLiveServerOptions)[];

const LIVE_FIELDS = Object.fromEntries(LIVE_OPTIONS.map(name => [name, SERVER_FIELDS[name]]));

/**
 * The options that result from changing some of those in force. Groups are merged, too.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option
 */
export function mergeServerOptions(
  inForce: ResolvedServerOptions,
  changes: ZmqLiveServerOptions,
  where: string,
): ResolvedServerOptions {
  // Names and forms first, so that a wrong one is told as it was given.
  resolveFields(changes, LIVE_FIELDS, where);
  const { concurrency: places } = changes;
  const named = typeof places === 'number' ? { ...changes, concurrency: { limit: places } } : changes;
  const merged = mergeFields(inForce, named);
  return checked(Object.freeze({ ...inForce, ...resolveFields(pick(merged), LIVE_FIELDS, where) }), where);
}

function pick(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(LIVE_OPTIONS.map(name => [name, options[name]]));
}

function checked(resolved: ResolvedServerOptions, where: string): ResolvedServerOptions {
  const { limits, memoryBudget, leaseTimeout, heartbeatInterval } = resolved;
  if (limits.maxMessageSize > memoryBudget) {
    throw invalid(
      `${where}.limits.maxMessageSize (${limits.maxMessageSize}) must not exceed memoryBudget (${memoryBudget}).`,
    );
  }
  if (limits.maxMessageSize > limits.outboxSize) {
    throw invalid(
      `${where}.limits.outboxSize (${limits.outboxSize}) must hold a reply of maxMessageSize (${limits.maxMessageSize}).`,
    );
  }
  if (leaseTimeout <= heartbeatInterval) {
    throw invalid(
      `${where}.leaseTimeout (${leaseTimeout}) must be longer than heartbeatInterval (${heartbeatInterval}).`,
    );
  }
  return resolved;
}

function defaultMemoryBudget(): number {
  const constrained = process.constrainedMemory();
  const available = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(MEBI * 2, Math.min(Math.floor(available / 4), ZMQ_DEFAULT_MAX_MEMORY_BUDGET));
}
