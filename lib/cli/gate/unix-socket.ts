import { Socket } from 'node:net';

/** Begins to connect to an `ipc://` endpoint. */
export function connectUnix(endpoint: string): Socket {
  // libzmq names sockets of the abstract namespace with an @.
  const path = endpoint.slice('ipc://'.length).replace(/^@/, '\0');
  return new Socket().connect({ path });
}
