/** The socket types of ZMTP 3.0 (RFC 23). */
export type SocketType =
  'REQ' | 'REP' | 'DEALER' | 'ROUTER' | 'PUB' | 'XPUB' | 'SUB' | 'XSUB' | 'PUSH' | 'PULL' | 'PAIR';

/** The legal combinations of RFC 37, "The Socket-Type Property" (RFC 28 to 31 say why). */
const PEERS: Readonly<Record<SocketType, readonly string[]>> = {
  REQ: ['REP', 'ROUTER'],
  REP: ['REQ', 'DEALER'],
  DEALER: ['REP', 'DEALER', 'ROUTER'],
  ROUTER: ['REQ', 'DEALER', 'ROUTER'],
  PUB: ['SUB', 'XSUB'],
  XPUB: ['SUB', 'XSUB'],
  SUB: ['PUB', 'XPUB'],
  XSUB: ['PUB', 'XPUB'],
  PUSH: ['PULL'],
  PULL: ['PUSH'],
  PAIR: ['PAIR'],
};

/** Whether a socket of type `own` may talk to one that calls itself `other`. Case matters, as in the RFC's grammar. */
export function mayTalk(own: SocketType, other: string): boolean {
  return PEERS[own].includes(other);
}
