import type { BenchClient } from '../load/loads.js';
import type { EventCounter } from './event-counter.js';

export interface ServeOptions {
  readonly port: number;
  /** What the one connection will do; only a peer without patterns needs to know. */
  readonly kind: 'request' | 'event' | 'stream';
  readonly received: EventCounter;
}

/** The two halves of a peer; each runs in a process of its own. */
export interface Peer {
  /** Resolves when the server takes connections. */
  serve(options: ServeOptions): Promise<void>;
  /** Resolves when the client is connected. */
  connect(port: number): Promise<BenchClient>;
}
