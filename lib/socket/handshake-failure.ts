import type { EventOfType } from 'zeromq';
import type { ZmqMechanism } from '../options/authenticator.js';

type HandshakeError = EventOfType<'handshake:error:auth' | 'handshake:error:protocol' | 'handshake:error:other'>;

/** What a client can say about a handshake that failed. A server says little, so that nobody learns by trying. */
export function handshakeFailure(event: HandshakeError, mechanism: ZmqMechanism): string {
  return `the handshake failed: ${reasonOf(event, mechanism)}`;
}

function reasonOf(event: HandshakeError, mechanism: ZmqMechanism): string {
  switch (event.type) {
    case 'handshake:error:auth':
      return 'the server does not let this client in';
    case 'handshake:error:protocol':
      return event.error.code === 'ERR_ZMTP_MECHANISM_MISMATCH'
        ? `the server asks for another security mechanism than ${mechanism}`
        : `what the server answered breaks the protocol (${event.error.code})`;
    case 'handshake:error:other':
      return `the server ended it without a word: ${mechanism === 'CURVE' ? 'serverKey may not be its key, ' : ''}it may ask for another security mechanism than ${mechanism}, or let in nobody for now`;
    default:
      return event satisfies never;
  }
}
