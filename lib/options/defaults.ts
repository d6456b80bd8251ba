/** Where a server listens and a client connects when nothing else is said: reachable from this machine alone. */
export const ZMQ_DEFAULT_ENDPOINT = 'tcp://127.0.0.1:5555';
/** Milliseconds within which the first answer to a request must arrive. */
export const ZMQ_DEFAULT_TIMEOUT = 30_000;
/** Milliseconds that `connect()`, or a request without a connection, waits for a server. */
export const ZMQ_DEFAULT_CONNECT_TIMEOUT = 5_000;
/** Bytes of one payload. */
export const ZMQ_DEFAULT_MAX_MESSAGE_SIZE = 1024 ** 2;
/** Handlers that run at the same time in one server. */
export const ZMQ_DEFAULT_CONCURRENCY = 1_024;
/** Values that a server may send ahead of the consumer of one stream. */
export const ZMQ_DEFAULT_STREAM_WINDOW = 1_024;
/** Upper bound of the default memory budget, which is otherwise a quarter of the memory that the process may use. */
export const ZMQ_DEFAULT_MAX_MEMORY_BUDGET = 256 * 1024 ** 2;
