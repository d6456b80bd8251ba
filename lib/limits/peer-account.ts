import type { ByteBudget } from './byte-budget.js';
import { PeerUsage } from './peer-usage.js';

/** Where bytes are counted for as long as they are held. */
export interface HeldBytes {
  /** Whether more is held than should be, by this one or by all together. */
  readonly exceeded: boolean;
  charge(bytes: number): void;
  release(bytes: number): void;
}

/**
 * What one peer makes the process hold, counted where its engine wants it counted: for the whole server alone, or for
 * the peer's connection and network address as well, so that a greedy one is held back and not everybody.
 */
export interface PeerAccount extends HeldBytes {
  /** Network address, where the engine knows it. */
  readonly address: string | undefined;
  /** What all peers of that address have used. */
  readonly usage: PeerUsage;
  /** Addresses that have connections, the peer's own among them, as far as the engine knows. */
  readonly addresses: number;
  /**
   * Reads nothing more of the peer until `letGo()`, for which so many of its bytes are kept; `false` if the engine cannot
   * do that for one peer.
   */
  hold(bytes: number): boolean;
  letGo(): void;
  /** Nothing refers to the bytes of these frames any more. */
  recycle(frames: readonly Buffer[]): void;
  /** A message of the peer has been refused because it sends too many. Whoever goes on is not read for a while, where the engine can. */
  refused(): void;
  /** The peer has sent so many packets beside the messages that carried them. */
  spend(packets: number): void;
}

/** The account of a peer about whom the engine knows nothing: counted for the server alone. */
export class BudgetAccount implements PeerAccount {
  readonly address = undefined;
  readonly usage = new PeerUsage();
  readonly addresses = 1;

  constructor(private readonly budget: ByteBudget) {}

  get exceeded(): boolean {
    return this.budget.exceeded;
  }

  charge(bytes: number): void {
    this.budget.charge(bytes);
  }

  release(bytes: number): void {
    this.budget.release(bytes);
  }

  hold(): boolean {
    return false;
  }

  letGo(): void {}

  recycle(): void {}

  refused(): void {}

  spend(): void {}
}
