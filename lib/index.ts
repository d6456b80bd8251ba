export { ClientZmq } from './client/client-zmq.js';
export type { ZmqClientEvents } from './client/client-events.js';
export { ZMQ_ERROR_CODES, type ZmqErrorCode } from './errors/error-codes.js';
export { ZmqException, type ZmqErrorObject, type ZmqExceptionOptions } from './errors/zmq.exception.js';
export type { ZmqServerStats } from './monitoring/server-counters.js';
export type { Bytes } from './options/bytes.js';
export type {
  ZmqClientLimits,
  ZmqClientOptions,
  ZmqEncoding,
  ZmqHeartbeatOptions,
  ZmqReconnectOptions,
} from './options/client-options.js';
export {
  ZMQ_DEFAULT_CONCURRENCY,
  ZMQ_DEFAULT_CONNECT_TIMEOUT,
  ZMQ_DEFAULT_ENDPOINT,
  ZMQ_DEFAULT_MAX_MEMORY_BUDGET,
  ZMQ_DEFAULT_MAX_MESSAGE_SIZE,
  ZMQ_DEFAULT_STREAM_WINDOW,
  ZMQ_DEFAULT_TIMEOUT,
} from './options/defaults.js';
export type { ZmqConcurrencyOptions, ZmqServerLimits, ZmqServerOptions } from './options/server-options.js';
export type { ZmqKeepaliveOptions, ZmqSocketOptions } from './options/socket-options.js';
export { ZMQ_TRANSPORT, ZmqStatus } from './options/tokens.js';
export { ZmqContext, type ZmqContextFields, type ZmqPeer } from './pipeline/zmq.context.js';
export type { ZmqServerEvents } from './server/server-events.js';
export { ServerZmq } from './server/server-zmq.js';
export { ZmqRecord, ZmqRecordBuilder } from './wire/record.js';
