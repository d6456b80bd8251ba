/** What a server has counted since it was made. */
export interface ZmqServerStats {
  /** Requests taken up, including those that failed. */
  readonly requests: number;
  readonly events: number;
  /** Messages or packets that did not follow the protocol. */
  readonly malformed: number;
  /** Requests and events without a handler. */
  readonly unhandled: number;
  /** Requests and events refused because the server was full, draining, or the payload too large. */
  readonly refused: number;
  /** Requests and events refused because their sender sent too many. */
  readonly rateLimited: number;
  /** Requests and events refused because their sender may not call the handler. */
  readonly forbidden: number;
  /** Requests and events refused because their signature was not accepted, or was missing where there must be one. */
  readonly unauthenticated: number;
  /** Requests that ended by the caller's cancellation, departure or deadline. */
  readonly cancelled: number;
  /** Replies that could not be delivered because the peer had left or took none. */
  readonly undelivered: number;
  /** Limits broken by peers, as far as the engine sees them. */
  readonly violations: number;
  /** Handlers running now. */
  readonly running: number;
  /** Streams open now. */
  readonly streams: number;
  /** Peers known now. */
  readonly peers: number;
  /** Connections open now; 0 where the engine does not tell. */
  readonly connections: number;
  /** Bytes held now of messages that are not complete; 0 where the engine does not tell. */
  readonly receivingBytes: number;
  /** Bytes held now by requests being handled and replies not yet sent. */
  readonly heldBytes: number;
  /** The most of them at any time. */
  readonly peakBytes: number;
  /** Replies that wait to be sent, of all peers. */
  readonly outboxPackets: number;
  /** Their bytes. */
  readonly outboxBytes: number;
  /** The most bytes that ever waited for one peer at a time, of those known now. */
  readonly mostOutboxBytes: number;
  /** Peers that nothing is read from at the moment, for whatever limit; 0 where the engine does not tell. */
  readonly paused: number;
  /** Of each handler, by pattern, since the server was started. */
  readonly handlers: Readonly<Record<string, ZmqHandlerStats>>;
}

/** What one handler does, and what it has refused. */
export interface ZmqHandlerStats {
  /** Requests and events being handled now; a stream leaves its place at its first value. */
  readonly running: number;
  /** Requests and events that wait for a place now. */
  readonly waiting: number;
  /** The most that ever waited at a time. */
  readonly mostWaiting: number;
  /** Requests and events refused because of who sent them, their size, the rate of their sender, or too much to do. */
  readonly refused: {
    readonly access: number;
    readonly size: number;
    readonly rate: number;
    readonly overload: number;
  };
}

/** What a server counts up, in contrast to what it holds at the moment. */
export type ServerCounters = {
  -readonly [
    K in
      | 'requests'
      | 'events'
      | 'malformed'
      | 'unhandled'
      | 'refused'
      | 'rateLimited'
      | 'forbidden'
      | 'unauthenticated'
      | 'cancelled'
      | 'undelivered'
      | 'violations'
  ]: ZmqServerStats[K];
};

export function createServerCounters(): ServerCounters {
  return {
    requests: 0,
    events: 0,
    malformed: 0,
    unhandled: 0,
    refused: 0,
    rateLimited: 0,
    forbidden: 0,
    unauthenticated: 0,
    cancelled: 0,
    undelivered: 0,
    violations: 0,
  };
}
