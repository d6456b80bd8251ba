import { GenerationMap } from '../limits/generation-map.js';
import type { ZmqIdentity } from '../options/authenticator.js';
import type { ResolvedIdentity } from '../options/identity-options.js';

type Proven = Required<ZmqIdentity>;

/** Whose key of CURVE it was that has come in at a listener. */
export interface KeyOwner {
  readonly identity: Proven;
  /** What the list said of it; `undefined` where the authenticator did. */
  readonly source: ResolvedIdentity | undefined;
}

interface Known extends KeyOwner {
  /** Connections that have been let in and not said hello yet. */
  connections: number;
  until: number;
}

const MAX_KEYS = 100_000;
/** Milliseconds that a client has for its hello. */
const HELLO_MS = 30_000;

/**
 * Remembers whose keys of CURVE have been let in until their clients say hello: libzmq tells who comes in, but not who sends
 * a message. Each connection may ask once, else a key could be shown over another one's, which comes from somewhere else.
 */
export class KeyOwners {
  private readonly owners = new GenerationMap<Known>(MAX_KEYS);

  /** A connection has been let in. */
  admitted(listener: string, publicKey: string, owner: KeyOwner): void {
    const key = keyOf(listener, publicKey);
    const known = this.owners.get(key);
    const connections = known?.identity === owner.identity ? known.connections + 1 : 1;
    this.owners.set(key, { ...owner, connections, until: performance.now() + HELLO_MS });
  }

  /** One has not: whoever came in before is nobody any more, either. */
  refused(listener: string, publicKey: string): void {
    this.owners.delete(keyOf(listener, publicKey));
  }

  /** Whose key it is, for one of the connections that have been let in with it. */
  take(listener: string, publicKey: string): KeyOwner | undefined {
    const key = keyOf(listener, publicKey);
    const known = this.owners.get(key);
    if (known === undefined || known.connections === 0 || known.until < performance.now()) {
      this.owners.delete(key);
      return undefined;
    }
    known.connections--;
    return known;
  }
}

function keyOf(listener: string, publicKey: string): string {
  return `${publicKey} ${listener}`;
}
