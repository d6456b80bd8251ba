import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';

/** A connection that may hold up others by not taking its replies. */
export interface Debtor {
  /** Whether replies wait that the peer does not take. */
  readonly isBackedUp: boolean;
  /** Bytes of replies that it has taken since its beginning. */
  readonly takenBytes: number;
  /** Bytes held of all connections of its address. */
  readonly addressBytes: number;
  /** Ends it. */
  giveUp(): void;
}

export interface ReliefOptions {
  readonly wheel: DeadlineWheel;
  readonly debtors: () => Iterable<Debtor>;
  /** Whether somebody waits for memory that others hold. */
  readonly isNeeded: () => boolean;
  /** Bytes a second that a peer must manage to be spared. */
  readonly minRate: () => number;
}

/** While others wait, a peer must take some of its replies in this time. */
const PATIENCE_MS = 300;
/** Connections given up at a time: what they held is free a moment later. */
const AT_A_TIME = 4;

/**
 * Gives up peers that take no replies sooner than their stall timeout while others wait for the memory that those replies
 * hold. The address that holds most goes first.
 */
export class Relief extends Expiring {
  private readonly taken = new Map<Debtor, number>();

  constructor(private readonly options: ReliefOptions) {
    super();
  }

  /** Somebody has to wait for memory. */
  press(): void {
    if (!this.isPending) {
      this.taken.clear();
      for (const debtor of this.options.debtors()) {
        if (debtor.isBackedUp) {
          this.taken.set(debtor, debtor.takenBytes);
        }
      }
      if (this.taken.size > 0) {
        this.options.wheel.add(this, PATIENCE_MS);
      }
    }
  }

  stop(): void {
    this.taken.clear();
    this.options.wheel.remove(this);
  }

  override expire(): void {
    const { isNeeded, minRate } = this.options;
    if (!isNeeded()) {
      this.taken.clear();
      return;
    }
    const least = (minRate() * PATIENCE_MS) / 1000;
    const stalled = [...this.taken].filter(
      ([debtor, before]) => debtor.isBackedUp && debtor.takenBytes - before < least,
    );
    const worst = stalled.sort(([a], [b]) => b.addressBytes - a.addressBytes).slice(0, AT_A_TIME);
    for (const [debtor] of worst) {
      debtor.giveUp();
    }
    this.press();
  }
}
