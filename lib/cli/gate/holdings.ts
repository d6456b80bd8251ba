import { ByteBudget } from '../../limits/byte-budget.js';
import type { HeldBytes } from '../../limits/peer-account.js';

/** Parts of the budget that replies may take before only addresses without any get more, and before nobody does. */
const LEVELS = [1 / 4, 1 / 2] as const;
/** A level is left when this part of it is reached, so that it does not change with every reply. */
const HYSTERESIS = 3 / 4;

/**
 * The bytes that wait in the program, told apart by direction. Peers that send are held back by their accounts. Replies
 * that peers do not take are left with the service here: first those for addresses that have some already, so that
 * others are still answered, then all of them.
 */
export class Holdings extends ByteBudget {
  /** Told when `mayReadReplies()` may have changed. */
  onReplyRoom: (() => void) | undefined = undefined;
  private towardsService = 0;
  private level = 0;
  private readonly repliesByAddress = new Map<string, number>();

  /** Bytes that the service has not taken. */
  get requests(): number {
    return this.towardsService;
  }

  /** Bytes that wait for the service have changed by so many, on somebody's account. */
  requestsChanged(account: HeldBytes, change: number): void {
    // First, so that they are never taken for replies.
    this.towardsService += change;
    if (change > 0) {
      account.charge(change);
    } else {
      account.release(-change);
    }
  }

  /** Bytes of replies that are on their way to an address have changed by so many. */
  repliesChanged(address: string, change: number): void {
    const bytes = (this.repliesByAddress.get(address) ?? 0) + change;
    if (bytes > 0) {
      this.repliesByAddress.set(address, bytes);
    } else {
      this.repliesByAddress.delete(address);
      if (this.level === 1) {
        this.onReplyRoom?.();
      }
    }
  }

  /** Whether more replies may be read for an address. */
  mayReadReplies(address: string): boolean {
    return this.level === 0 || (this.level === 1 && !this.repliesByAddress.has(address));
  }

  override charge(bytes: number): void {
    super.charge(bytes);
    this.check();
  }

  override release(bytes: number): void {
    super.release(bytes);
    this.check();
  }

  private check(): void {
    const replies = this.used - this.towardsService;
    const before = this.level;
    while (this.level < LEVELS.length && replies > this.limit * (LEVELS[this.level] as number)) {
      this.level++;
    }
    while (this.level > 0 && replies <= this.limit * (LEVELS[this.level - 1] as number) * HYSTERESIS) {
      this.level--;
    }
    if (this.level !== before) {
      this.onReplyRoom?.();
    }
  }
}
