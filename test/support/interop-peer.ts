/** What the connection of a peer may be told of: `refused` during the handshake. */
export type PeerEvent = 'connected' | 'disconnected' | 'refused';

export interface PeerOptions {
  readonly type: 'DEALER' | 'REQ' | 'PUSH' | 'PUB' | 'XPUB';
  readonly endpoint: string;
  readonly routingId?: string;
  readonly plain?: { readonly username: string; readonly password: string };
  /** Milliseconds. */
  readonly heartbeat?: { readonly interval: number; readonly timeout: number };
  /** Messages that libzmq queues in each direction. */
  readonly highWaterMark?: number;
}

export interface Bulk {
  /** Bytes of bodies to send. */
  readonly total: number;
  /** Bytes of the largest one, of which there are many. */
  readonly most: number;
  readonly seed: number;
}

export interface BulkReport {
  readonly messages: number;
  readonly bytes: number;
  /** Messages that did not come back as they had left, or not in their turn. */
  readonly wrong: number;
}

export type Frames = readonly (string | Buffer)[];

/** A socket of libzmq that is connected to the gate. It comes back by itself when it loses its connection. */
export interface InteropPeer {
  readonly events: readonly PeerEvent[];
  send(...messages: readonly Frames[]): Promise<void>;
  receive(count: number): Promise<Buffer[][]>;
  /** Sends bodies of all sizes, each behind its checksum, and compares what comes back. */
  bulk(bulk: Bulk): Promise<BulkReport>;
  /** Lets what was sent leave first. */
  close(): Promise<void>;
}

/** A binding of libzmq. */
export interface PeerLibrary {
  readonly name: 'zeromq.js' | 'pyzmq';
  open(options: PeerOptions): Promise<InteropPeer>;
  /** So many DEALERs at once, each of which sends its number: what each of them got back. They close after the last. */
  crowd(endpoint: string, count: number): Promise<string[]>;
}

/** Sends one message and gives the text of the answer's frames. */
export async function exchange(peer: InteropPeer, ...frames: Frames): Promise<string[]> {
  await peer.send(frames);
  const [answer = []] = await peer.receive(1);
  return answer.map(String);
}

export function countOf(peer: InteropPeer, event: PeerEvent): number {
  return peer.events.filter(name => name === event).length;
}
