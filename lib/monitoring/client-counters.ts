/** What a client has counted since it was made, and what waits in it. */
export interface ZmqClientStats {
  /** Requests without their last answer, those that wait to be sent again among them. */
  readonly pending: number;
  /** Requests that wait to be sent again. */
  readonly retrying: number;
  /** Requests and events that wait for a connection. */
  readonly parked: number;
  /** Packets that wait to be sent to servers. */
  readonly outboxPackets: number;
  /** Their bytes. */
  readonly outboxBytes: number;
  /** The most bytes that ever waited for one server at a time. */
  readonly mostOutboxBytes: number;
  /** Requests and events that the client has refused because too much waits in it (`BACKPRESSURE`). */
  readonly refused: number;
}

/** What a client counts up. */
export interface ClientCounters {
  refused: number;
  mostOutboxBytes: number;
}
