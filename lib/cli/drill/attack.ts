import type { RawPeer } from './raw-peer.js';

/** One way to harm a service, tried against one's own. */
export interface Attack {
  /** The number in the catalogue, with the variant behind a hyphen: `A2`, `A2-tiny`. */
  readonly id: string;
  readonly title: string;
  /** What runs out in a service that falls for it. */
  readonly exhausts: string;
  /** Whether there is something to attack at `tls://` targets alone. */
  readonly isForTls?: boolean;
  /** Attacks until the ground's signal aborts, or until nothing more can be gained. */
  run(ground: AttackGround): Promise<void>;
}

/** Patterns of the target that attacks call: those that the user names, or the one that echoes. */
export interface TargetPatterns {
  readonly echo: string;
  /** Takes a number of milliseconds and answers after them. */
  readonly slow: string;
  /** Takes a number of milliseconds and computes for so long. */
  readonly burn: string;
  /** Answers with the id by which the target knows the caller. */
  readonly whoami: string;
}

export interface ConnectOptions {
  /** Which of the source addresses to come from; any number will do. */
  readonly source?: number;
  /** Most bytes that are taken from the network at a time. */
  readonly readBytes?: number;
}

export interface HandshakeOptions extends ConnectOptions {
  /** @defaultValue what the target is asked to take for */
  readonly socketType?: string;
  readonly identity?: string;
}

/** All that an attack can reach. Keeps its caps, and ends everything at the signal. */
export interface AttackGround {
  readonly signal: AbortSignal;
  readonly patterns: TargetPatterns;
  /** How many source addresses there are; at least 1. */
  readonly sourceCount: number;
  /** A TCP connection alone, whatever the target speaks above it; `undefined` as for `connect()`. */
  dial(options?: ConnectOptions): Promise<RawPeer | undefined>;
  /** A connection without a word of ZMTP said, or `undefined` if it was refused or a cap is reached. */
  connect(options?: ConnectOptions): Promise<RawPeer | undefined>;
  /** A connection after the ZMTP handshake, or `undefined` if it did not come to that. */
  join(options?: HandshakeOptions): Promise<RawPeer | undefined>;
  /** Resolves after so long, or at once when the attack is over. */
  pause(ms: number): Promise<void>;
  /** The attacker has gained something. Sending over a joined connection counts by itself. */
  progress(): void;
  /** The target has done what it never should, whatever became of its memory. */
  breach(what: string): void;
}

/** What the attacking process has seen of an attack. */
export interface AttackOutcome {
  /** Milliseconds until the attacker gained nothing for a while or had no connection left; `null` if it went on. */
  readonly heldAfterMs: number | null;
  /** Whether it was held by having lost its connections. */
  readonly evicted: boolean;
  readonly opened: number;
  readonly joined: number;
  readonly failed: number;
  readonly closedByTarget: number;
  readonly openAtEnd: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly breaches: Readonly<Record<string, number>>;
}
