import type { ZmtpRefusal } from '../zmtp/refusal.js';

/** What a client is to its server. */
export type ClientSocketType = 'DEALER' | 'PUSH' | 'PUB';

export type ClientPhase = 'new' | 'connecting' | 'handshake' | 'open' | 'ended';

/** The server has ended the connection by an ERROR command. */
export class ServerError {
  /** @param reason printable ASCII */
  constructor(readonly reason: string) {}
}

/** Characters of a reason that are worth showing. */
const MAX_REASON = 100;

const PARTNERS: Readonly<Record<ClientSocketType, string>> = {
  DEALER: 'ROUTER, REP or DEALER',
  PUSH: 'PULL',
  PUB: 'SUB or XSUB',
};

/** A sentence on why a connection was given up. */
export function lossOf(
  failure: ZmtpRefusal | ServerError,
  inHandshake: boolean,
  socketType: ClientSocketType = 'DEALER',
): string {
  if (failure instanceof ServerError) {
    const reason = failure.reason.slice(0, MAX_REASON);
    return inHandshake ? `the handshake failed: the server said '${reason}'` : `the server said '${reason}'`;
  }
  const { code, limit } = failure;
  switch (code) {
    case 'not-zmtp':
    case 'bad-greeting':
      return 'the server sent what is no ZMTP';
    case 'old-version':
      return 'the handshake failed: the server speaks a version of ZMTP before 3.0';
    case 'wrong-mechanism':
      return 'the handshake failed: the server asks for another security mechanism';
    case 'wrong-socket-type':
      return `the handshake failed: the server is no ${PARTNERS[socketType]}`;
    case 'frame-too-large':
    case 'message-too-large':
      return `the server sent a message of more than ${limit} bytes`;
    case 'too-many-frames':
      return `the server sent a message of more than ${limit} frames`;
    case 'command-too-large':
      return `the server sent a command of more than ${limit} bytes`;
    case 'unexpected-frame':
    case 'unexpected-command':
    case 'bad-flags':
    case 'bad-length':
    case 'bad-command':
    case 'bad-metadata':
    case 'bad-identity':
    case 'bad-subscription':
    case 'not-authenticated':
      return inHandshake ? `the handshake failed (${code})` : `the server broke ZMTP (${code})`;
    default:
      return code satisfies never;
  }
}

/** A sentence on a connection that ended without a word. */
export function endOf(phase: ClientPhase): string {
  switch (phase) {
    case 'new':
    case 'connecting':
      return 'the connection was refused or could not be made';
    case 'handshake':
      return 'the handshake failed: the connection was closed';
    case 'open':
    case 'ended':
      return 'the connection was closed';
    default:
      return phase satisfies never;
  }
}
