import type { ZmqPeer } from '../pipeline/zmq.context.js';

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
  /** This many replies never left for a client that had gone or took none. */
  undelivered: (peer: ZmqPeer, count: number) => void;
};
