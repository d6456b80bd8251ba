import { curveKeyPair } from 'zeromq';
import { resolveFields } from '../../../lib/options/fields.js';
import { Secret } from '../../../lib/options/secret.js';
import { SOCKET_FIELDS } from '../../../lib/options/socket-options.js';
import type { ZmqMechanism } from '../../../lib/options/authenticator.js';
import type { ZmqViolation } from '../../../lib/limits/violation.js';
import type { Authenticate, PeerOrigin, Verdict } from '../../../lib/security/verdict.js';
import type { LossCode } from '../../../lib/socket/client-socket.js';
import { DealerSocket, type DealerSocketOptions } from '../../../lib/socket/dealer-socket.js';
import { RouterSocket, type RouterSocketOptions } from '../../../lib/socket/router-socket.js';
import { ClientLog, ServerLog } from '../../support/sockets.js';
import { onCleanup } from '../../support/zmq-app.js';

export const ADMITTED: Verdict = { admitted: true, identity: undefined };
export const UNKNOWN: Verdict = { admitted: false, failure: 'unknown' };
export const SERVER = curveKeyPair();
export const HONEST = curveKeyPair();
export const FOREIGN = curveKeyPair();

/** An own context keeps what one file of tests counts from what others do. */
export const SOCKET = resolveFields({ linger: 0, ioThreads: 3 }, SOCKET_FIELDS, 'socket');

export class SecureLog extends ServerLog {
  readonly violations: ZmqViolation[] = [];
  readonly origins: (PeerOrigin | undefined)[] = [];

  override message(peerId: string, frames: Buffer[], _account?: undefined, origin?: PeerOrigin): void {
    super.message(peerId, frames);
    this.origins.push(origin);
  }

  violation(violation: ZmqViolation): void {
    this.violations.push(violation);
  }
}

export class SecureClientLog extends ClientLog {
  readonly codes: (LossCode | undefined)[] = [];

  override lost(reason: string, code?: LossCode): void {
    super.lost(reason);
    this.codes.push(code);
  }
}

/** Lets in whose public key is on the list, which may change at any time. */
export function allowing(keys: ReadonlySet<string>): Authenticate {
  return ({ publicKey = '' }) => (keys.has(publicKey) ? ADMITTED : UNKNOWN);
}

export interface SecureRouterOptions {
  readonly mechanism?: ZmqMechanism;
  readonly authenticate?: Authenticate | undefined;
  readonly keys?: { readonly secretKey: string };
  readonly bind?: readonly string[];
  readonly handshakeInterval?: number;
}

export function originOf(mechanism: ZmqMechanism): PeerOrigin {
  return {
    listener: 'fields',
    mechanism,
    address: undefined,
    identity: undefined,
    listenerRoles: [],
    certificate: undefined,
  };
}

export async function openSecureRouter(options: SecureRouterOptions = {}) {
  const { mechanism = 'CURVE', authenticate, keys = SERVER, bind = ['tcp://127.0.0.1:*'] } = options;
  const { handshakeInterval = SOCKET.handshakeInterval } = options;
  const all: RouterSocketOptions = {
    bind,
    maxMessageSize: 1024,
    socket: { ...SOCKET, handshakeInterval },
    security: {
      origin: originOf(mechanism),
      authenticate,
      curve: mechanism === 'CURVE' ? { secretKey: { value: new Secret(keys.secretKey) } } : undefined,
    },
  };
  const router = new RouterSocket(all);
  const log = new SecureLog();
  onCleanup(() => router.close());
  await router.open(log);
  return { router, log, endpoint: router.endpoints[0] as string };
}

/** CURVE of a client, of `HONEST` towards `SERVER` by default. */
export function curve({ secretKey } = HONEST, serverKey = SERVER.publicKey) {
  return { curve: { secretKey: { value: new Secret(secretKey) }, serverKey } };
}

export function openSecureDealer(endpoint: string, security: Pick<DealerSocketOptions, 'curve' | 'plain'>) {
  const dealer = new DealerSocket({ endpoint, maxMessageSize: 1024, socket: SOCKET, ...security });
  const log = new SecureClientLog();
  onCleanup(() => dealer.close(0));
  dealer.open(log);
  // What cannot be sent is told as a loss.
  void dealer.send([Buffer.from('hello')]);
  return { dealer, log };
}
