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
  /** Requests that ended by the caller's cancellation, departure or deadline. */
  readonly cancelled: number;
  /** Replies that could not be delivered because the peer had left or took none. */
  readonly undelivered: number;
  /** Handlers running now. */
  readonly running: number;
  /** Streams open now. */
  readonly streams: number;
  /** Peers known now. */
  readonly peers: number;
  /** Bytes held now by requests being handled and replies not yet sent. */
  readonly heldBytes: number;
  /** The most of them at any time. */
  readonly peakBytes: number;
}

/** What a server counts up, in contrast to what it holds at the moment. */
export type ServerCounters = {
  -readonly [
    K in 'requests' | 'events' | 'malformed' | 'unhandled' | 'refused' | 'cancelled' | 'undelivered'
  ]: ZmqServerStats[K];
};

export function createServerCounters(): ServerCounters {
  return { requests: 0, events: 0, malformed: 0, unhandled: 0, refused: 0, cancelled: 0, undelivered: 0 };
}
