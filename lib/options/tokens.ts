/**
 * The transport's id. `@MessagePattern('sum', ZMQ_TRANSPORT)` binds a handler to this transport alone, which a hybrid
 * application with several transports needs.
 */
export const ZMQ_TRANSPORT: unique symbol = Symbol.for('nestjs-zeromq') as never;

/** What `status` of a server or client emits. */
export enum ZmqStatus {
  /** A server listens; a client has at least one session. */
  CONNECTED = 'connected',
  /** Not started, closed, or the first connection failed. */
  DISCONNECTED = 'disconnected',
  /** A client has lost its last session and is trying to get a new one. */
  RECONNECTING = 'reconnecting',
}
