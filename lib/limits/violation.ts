/**
 * What a peer can do against the limits, and the number of each in the attack catalogue (`docs/security.md`).
 * The names are stable: they appear in events, logs and options.
 */
export const VIOLATION_IDS = {
  /** A frame longer than any message may be, told by its header. */
  'frame-too-large': 'A1',
  /** A payload larger than its handler takes. */
  'handler-size': 'A1',
  /** The frames of one message add up to more than any message may have. */
  'message-too-large': 'A2',
  'too-many-frames': 'A2',
  /** More messages, packets or bytes a second than allowed. */
  'message-rate': 'A3',
  'byte-rate': 'A3',
  /** Requests or events beyond the rate that their handler takes of one sender. */
  'handler-rate': 'A3',
  /** A message was begun and not finished in time. */
  'message-timeout': 'A4',
  /** Others need the memory that a message holds which does not get on. */
  'message-stalled': 'A4',
  'handshake-timeout': 'A5',
  /** Too many connections of one address have not finished the handshake. */
  'half-open': 'A5',
  connections: 'A6',
  'address-connections': 'A6',
  /** What the peer has sent and the application has not settled yet is more than its share. */
  'memory-share': 'A7',
  /** The peer does not take its replies. */
  'reply-stalled': 'A8',
  /** A subscription, where there is nothing to subscribe to. */
  subscription: 'A10',
  'command-rate': 'A11',
  'command-too-large': 'A11',
  'unexpected-command': 'A11',
  /** Not ZMTP 3, or another mechanism than the one asked for. */
  handshake: 'A12',
  /** Bytes that are no ZMTP frames. */
  framing: 'A12',
  /** Credentials that let nobody in, or none. */
  'not-authenticated': 'A12',
  /** From a network that the listener is not for. */
  'address-denied': 'A25',
  /** A TLS handshake that was broken off. */
  'tls-handshake': 'A26',
  /** A routing id longer than the standard allows; others are ignored. */
  identity: 'A13',
  'accept-rate': 'A15',
  /** More packets in one message than allowed. */
  'batch-too-large': 'A18',
  /** Requests with an id that is in use, or impossible. */
  'correlation-id': 'A21',
  /** Messages that no handler waits for, or that cannot be read, again and again. */
  noise: 'A23',
  /** Requests and events that their sender may not send: like noise they lead to nothing, and are tried again and again. */
  forbidden: 'A23',
  /** Requests beyond the places for running handlers. */
  overload: 'A28',
} as const;

export type ZmqViolationKind = keyof typeof VIOLATION_IDS;
export type ZmqViolationId = (typeof VIOLATION_IDS)[ZmqViolationKind];

/**
 * What was done about a violation: the connection was closed (`disconnect`), the message was skipped without being kept
 * (`discard`), the connection was left open without an answer for a while (`tarpit`), its address was shut out for a
 * while (`ban`), nothing was read from it for a while (`pause`), or the request was refused (`refuse`).
 */
export type ZmqViolationAction = 'disconnect' | 'discard' | 'tarpit' | 'ban' | 'pause' | 'refuse';

export interface ZmqViolation {
  /** Number in the attack catalogue. */
  readonly id: ZmqViolationId;
  readonly kind: ZmqViolationKind;
  /** Network address of the sender, without port; of IPv6 its /64 network. `undefined` where the engine does not know it. */
  readonly address: string | undefined;
  /** The sender's connection, as in `ZmqPeer.id`; `undefined` before it has one. */
  readonly peerId: string | undefined;
  readonly action: ZmqViolationAction;
  /** How many of the kind came from the address since the last report, this one included: there is one a second at most. */
  readonly count: number;
  /** Limit and actual value, where there are such, in the unit of the limit; and why somebody was not let in, e.g. `wrong-password` or `CERT_HAS_EXPIRED`. */
  readonly figures: Readonly<{ limit?: number; actual?: number; reason?: string }>;
}
