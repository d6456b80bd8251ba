import type { Bytes } from './bytes.js';
import {
  byteSize,
  choice,
  group,
  integer,
  invalid,
  mergeFields,
  milliseconds,
  resolveFields,
  type Field,
  type Resolved,
} from './fields.js';

/** Messages and bytes a second. Whoever sends more is not read for a while; nothing is lost. */
export interface ZmqRateOptions {
  /** Messages, and packets within batches, a second, 1 to 1,000,000,000. */
  readonly messages?: number;
  /** Bytes a second. */
  readonly bytes?: Bytes;
}

/** What is done about a violation; see `ZmqViolationAction`. */
export type ZmqViolationPolicy = 'disconnect' | 'discard' | 'tarpit' | 'ban';

export interface ZmqBanOptions {
  /** Violations of one address within `window` after which it is shut out; 0 for never, at most 1,000,000. Honest peers behind the same address are shut out with it. @defaultValue 0 */
  readonly after?: number;
  /** Milliseconds, 1,000 to 86,400,000. @defaultValue 10000 */
  readonly window?: number;
  /** Milliseconds for which the address stays shut out, 1,000 to 86,400,000. @defaultValue 30000 */
  readonly duration?: number;
}

/** Limits of the engine `gate`, for each connection unless stated. All can be changed while the server runs. */
export interface ZmqGateOptions {
  /** Frames of one message, 2 to 65,536. @defaultValue 16 */
  readonly maxFrames?: number;
  /** Connections in total, 1 to 1,000,000; fewer where the budget or the descriptors of the process do not suffice. @defaultValue 10,000 */
  readonly maxConnections?: number;
  /** Connections of one address (of one /64 network in IPv6). @defaultValue 1,024 */
  readonly maxConnectionsPerAddress?: number;
  /** Connections of one address that have not finished the handshake. @defaultValue 64 */
  readonly maxHalfOpenPerAddress?: number;
  /** New connections a second of one address; those beyond are left unanswered for a while. @defaultValue 100 */
  readonly acceptRate?: number;
  /** TLS handshakes a second, of all addresses together, 1 to 1,000,000; others wait their turn, those of an address that has had many last. @defaultValue 200 */
  readonly handshakeRate?: number;
  /** Bytes of the whole handshake, 256 to 65,536. @defaultValue '4kb' */
  readonly maxHandshakeSize?: Bytes;
  /** Bytes of one command after the handshake, 64 to 65,536. @defaultValue '1kb' */
  readonly maxCommandSize?: Bytes;
  /** Commands a second, heartbeats among them. @defaultValue 20 */
  readonly commandRate?: number;
  /** Messages a second that cannot be read or have no handler; ten times as many may come at once. @defaultValue 100 */
  readonly noiseRate?: number;
  /** Messages a second that may be refused because their handler takes no more of their sender; a connection with more is not read for a while. @defaultValue 1000 */
  readonly refusalRate?: number;
  /** Milliseconds within which a message that was begun must be complete, beside the time that `minRate` allows, 100 to 3,600,000. @defaultValue 10000 */
  readonly messageTimeout?: number;
  /** Bytes a second that a peer must manage while it sends a message or takes its replies, at least 1. @defaultValue '16kb' */
  readonly minRate?: Bytes;
  /** Milliseconds of silence after which the peer is pinged, 100 to 3,600,000. @defaultValue 15000 */
  readonly heartbeatInterval?: number;
  /** Milliseconds of silence after which a pinged peer is taken for dead, longer than `heartbeatInterval`. @defaultValue 60000 */
  readonly heartbeatTimeout?: number;
  /** Of one connection. @defaultValue 1,000,000 messages and 4 GB a second */
  readonly rate?: ZmqRateOptions;
  /** Of all connections of one address together. @defaultValue 2,000,000 messages and 8 GB a second */
  readonly addressRate?: ZmqRateOptions;
  /** What is done about each kind of violation that has a choice. @defaultValue 'disconnect' for all */
  readonly policies?: Readonly<Partial<Record<ZmqPolicyKind, ZmqViolationPolicy>>>;
  /** Milliseconds for which a tarpit leaves a connection without an answer, 100 to 600,000. @defaultValue 5000 */
  readonly tarpitTime?: number;
  /** Connections left so at a time; the oldest makes room for the newest. @defaultValue 256 */
  readonly maxTarpit?: number;
  readonly ban?: ZmqBanOptions;
}

/** Violations of which the user chooses what is done about them. */
export const POLICY_KINDS = [
  'frame-too-large',
  'message-too-large',
  'too-many-frames',
  'message-timeout',
  'message-stalled',
  'handshake-timeout',
  'reply-stalled',
  'subscription',
  'command-rate',
  'command-too-large',
  'unexpected-command',
  'handshake',
  'not-authenticated',
  'tls-handshake',
  'framing',
  'identity',
  'batch-too-large',
  'noise',
] as const;
export type ZmqPolicyKind = (typeof POLICY_KINDS)[number];

const KIBI = 1024;
const GIBI = 1024 ** 3;
const DAY_MS = 86_400_000;

const POLICIES = ['disconnect', 'tarpit', 'ban'] as const;
/** Messages that are too large can be skipped; after the other violations there is nothing left to skip. */
const DISCARDABLE: ReadonlySet<string> = new Set(['frame-too-large', 'message-too-large', 'too-many-frames']);

const policies = Object.fromEntries(
  POLICY_KINDS.map(kind => [kind, choice(DISCARDABLE.has(kind) ? [...POLICIES, 'discard'] : POLICIES, 'disconnect')]),
) as Record<ZmqPolicyKind, Field<ZmqViolationPolicy>>;

function rate(messages: number, bytes: number) {
  return group({
    messages: integer({ min: 1, max: 1_000_000_000, fallback: messages }),
    bytes: byteSize({ min: KIBI, max: 1024 * GIBI, fallback: bytes }),
  });
}

const GATE_FIELDS = {
  maxFrames: integer({ min: 2, max: 65_536, fallback: 16 }),
  maxConnections: integer({ min: 1, max: 1_000_000, fallback: 10_000 }),
  maxConnectionsPerAddress: integer({ min: 1, max: 1_000_000, fallback: 1_024 }),
  maxHalfOpenPerAddress: integer({ min: 1, max: 1_000_000, fallback: 64 }),
  acceptRate: integer({ min: 1, max: 1_000_000, fallback: 100 }),
  handshakeRate: integer({ min: 1, max: 1_000_000, fallback: 200 }),
  maxHandshakeSize: byteSize({ min: 256, max: 64 * KIBI, fallback: 4 * KIBI }),
  maxCommandSize: byteSize({ min: 64, max: 64 * KIBI, fallback: KIBI }),
  commandRate: integer({ min: 1, max: 1_000_000, fallback: 20 }),
  noiseRate: integer({ min: 1, max: 1_000_000, fallback: 100 }),
  refusalRate: integer({ min: 1, max: 1_000_000, fallback: 1_000 }),
  messageTimeout: milliseconds({ min: 100, max: 3_600_000, fallback: 10_000 }),
  minRate: byteSize({ min: 1, max: GIBI, fallback: 16 * KIBI }),
  heartbeatInterval: milliseconds({ min: 100, max: 3_600_000, fallback: 15_000 }),
  heartbeatTimeout: milliseconds({ min: 200, max: DAY_MS, fallback: 60_000 }),
  rate: rate(1_000_000, 4 * GIBI),
  addressRate: rate(2_000_000, 8 * GIBI),
  policies: group(policies),
  tarpitTime: milliseconds({ min: 100, max: 600_000, fallback: 5_000 }),
  maxTarpit: integer({ min: 0, max: 100_000, fallback: 256 }),
  ban: group({
    after: integer({ min: 0, max: 1_000_000, fallback: 0 }),
    window: milliseconds({ min: 1_000, max: DAY_MS, fallback: 10_000 }),
    duration: milliseconds({ min: 1_000, max: DAY_MS, fallback: 30_000 }),
  }),
};

export type ResolvedGateOptions = Resolved<typeof GATE_FIELDS>;

/** The group `gate` of a server's options. */
export const gateOptions: Field<ResolvedGateOptions> = (value, option) =>
  checkHeartbeat(resolveFields(value, GATE_FIELDS, option), option);

/**
 * The limits that result from changing some of those in force. Groups (`rate`, `policies`, `ban`) are merged, too.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option.
 */
export function mergeGateOptions(inForce: ResolvedGateOptions, changes: unknown, where: string): ResolvedGateOptions {
  // Names and forms first, so that a wrong one is told as it was given.
  resolveFields(changes, GATE_FIELDS, where);
  const merged = mergeFields(inForce, (changes ?? {}) as object);
  return checkHeartbeat(gateOptions(merged, where), where);
}

function checkHeartbeat(gate: ResolvedGateOptions, where: string): ResolvedGateOptions {
  if (gate.heartbeatTimeout <= gate.heartbeatInterval) {
    throw invalid(
      `${where}.heartbeatTimeout (${gate.heartbeatTimeout}) must be longer than heartbeatInterval (${gate.heartbeatInterval}).`,
    );
  }
  return gate;
}
