import { ZmqException } from './zmq.exception.js';

/** The error for an endpoint that cannot be bound, in words. */
export function bindFailure(endpoint: string, cause: unknown): ZmqException {
  return new ZmqException('BIND_FAILED', `Cannot bind ${endpoint}: ${reasonOf(cause)}.`, {
    details: { endpoint },
    cause,
  });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return 'the address is in use (EADDRINUSE)';
    case 'EADDRNOTAVAIL':
      return 'no interface of this machine has the address (EADDRNOTAVAIL)';
    case 'ENOTFOUND':
      return 'the host name is unknown (ENOTFOUND)';
    case 'ENOTSOCK':
      return 'the server was closed meanwhile (ENOTSOCK)';
    case 'EACCES':
      return 'permission denied (EACCES)';
    default:
      return code === undefined ? message : `${message} (${code})`;
  }
}
