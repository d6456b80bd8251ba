import type { ZmqViolation } from '../limits/violation.js';
import type { ZmqDenial } from './denial-reports.js';
import type { ZmqOverload } from './load-shedding.js';
import type { ZmqPeer } from '../pipeline/zmq.context.js';

/** What came of reading the certificate of a listener again. */
export interface ZmqTlsReload {
  readonly listener: string;
  /** When the certificate in force expires. */
  readonly validTo: Date;
  /** Why the new one is not used. */
  readonly error?: Error;
}

/** Events of `ServerZmq.on()`, as a type alias because Nest asks for an index signature. */
// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no implicit index signature
export type ZmqServerEvents = {
  /** The server listens on these endpoints. */
  listening: (endpoints: readonly string[]) => void;
  /** The server has closed; its addresses are free. */
  close: () => void;
  /** The socket failed for good. */
  error: (error: Error) => void;
  /** A client of this library has a session, or one in JSON mode has sent its first message. */
  peerConnected: (peer: ZmqPeer) => void;
  /** A client has left or was given up, or one in JSON mode has been idle for a minute. */
  peerDisconnected: (peer: ZmqPeer, reason: string) => void;
  /** A message broke the protocol; `reason` holds nothing of it. */
  malformed: (peerId: string, reason: string) => void;
  /** Somebody broke a limit; of each kind and address at most one report a second. */
  violation: (violation: ZmqViolation) => void;
  /** A peer asked for what it may not call; of each peer, pattern and kind at most one report a second. */
  denied: (denial: ZmqDenial) => void;
  /** A listener's certificate was read anew, or could not be: the old one is kept then. */
  tlsReloaded: (reload: ZmqTlsReload) => void;
  /** New requests are refused because the process has too much to do, or are taken again. */
  overload: (overload: ZmqOverload) => void;
  /** This many replies never left for a client that had gone or took none. */
  undelivered: (peer: ZmqPeer, count: number) => void;
};
