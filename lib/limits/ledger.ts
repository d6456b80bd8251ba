import type { AddressAccount } from './address-account.js';
import type { ByteBudget } from './byte-budget.js';
import { systemClock, type Clock } from './clock.js';
import type { Holder } from './holder.js';
import { Receiving, type ReceivingBounds, type ReceivingOptions } from './receiving.js';

export interface LedgerBounds extends ReceivingBounds {
  /** Bytes that the application may hold of one connection before nothing more is read from it. */
  readonly window: number;
  /** The same for a connection that does not take its replies. */
  readonly backedUpWindow: number;
}

export interface LedgerOptions extends LedgerBounds, ReceivingOptions {
  /** What the application holds: requests being handled and replies not yet taken. */
  readonly held: ByteBudget;
}

/** What the ledger asks a connection, and tells it. */
export interface AccountHolder extends Pick<
  Holder,
  'granted' | 'evict' | 'isReading' | 'isThrottled' | 'lackingBytes'
> {
  /** Whether replies wait that the peer does not take. */
  readonly isBackedUp: boolean;
}

/** What every address may have the application hold, whatever others do. */
const HELD_FLOOR_BYTES = 128 * 1024;
/** Bytes that a byte of a message takes once it has been decoded. */
const DECODED_FACTOR = 2;
/** The part of the budget that is shared out; the rest is for the floors. */
const SHARED_PART = 7 / 8;

interface ShareWant {
  readonly account: ConnectionAccount;
  /** Of the message that waits; 0 if there is none. */
  readonly bytes: number;
  /** Whether that is complete and is to be delivered, or is to begin. */
  readonly isComplete?: boolean;
}

/** Told when the application holds less of the connection's share again. */
export interface ShareWaiter {
  shareFreed(): void;
}

/**
 * The bytes that peers make the server hold, by connection, address and in total, from the first byte of a message
 * until the application has settled it. It only counts and judges; who reads from sockets asks it.
 */
export class Ledger {
  readonly receiving: Receiving;
  private readonly clock: Clock;
  private readonly waiting = new Map<ShareWaiter, ShareWant>();
  private checking = false;
  private bounds: LedgerBounds;

  constructor(private readonly options: LedgerOptions) {
    this.clock = options.clock ?? systemClock;
    this.bounds = options;
    this.receiving = new Receiving({ ...options, onReleased: () => this.freed() });
  }

  /** Other bounds from now on. */
  adjust(bounds: LedgerBounds): void {
    this.bounds = bounds;
    this.receiving.adjust(bounds);
    this.freed();
  }

  get held(): ByteBudget {
    return this.options.held;
  }

  get now(): number {
    return this.clock.now();
  }

  open(address: AddressAccount, holder: AccountHolder): ConnectionAccount {
    return new ConnectionAccount(this, address, holder);
  }

  /** Whether the application may get more of this connection now. */
  mayTake({ held, address, isBackedUp }: ConnectionAccount): boolean {
    const { window, backedUpWindow } = this.bounds;
    const most = isBackedUp ? Math.min(window, backedUpWindow) : window;
    return held === 0 || (held <= most && address.held <= this.shareOf(address));
  }

  /**
   * Whether a message of this size may begin: it will be the application's to hold. An address that holds nothing may
   * begin any one message.
   */
  mayBegin(account: ConnectionAccount, bytes: number): boolean {
    const { address } = account;
    const { held } = this.options;
    return (
      held.used <= held.limit * SHARED_PART && (address.held === 0 || address.held + bytes <= this.shareOf(address))
    );
  }

  /** Whether there is room for what a complete message of this size will take once it has been decoded. */
  mayDeliver(bytes: number): boolean {
    const { held } = this.options;
    return held.used === 0 || held.used + DECODED_FACTOR * bytes <= held.limit * SHARED_PART;
  }

  /** Tells `waiter` once `mayTake()` is true, and what else it wants. */
  waitForShare(waiter: ShareWaiter, want: ShareWant): void {
    this.waiting.set(waiter, want);
  }

  stopWaiting(waiter: ShareWaiter): void {
    this.waiting.delete(waiter);
  }

  /** Whether a connection waits that does not hold itself up by not taking its replies. */
  get hasWaiters(): boolean {
    for (const { account } of this.waiting.values()) {
      if (!account.isBackedUp) {
        return true;
      }
    }
    return false;
  }

  /** @internal The application holds less. */
  freed(): void {
    if (this.waiting.size > 0 && !this.checking) {
      this.checking = true;
      // Many are freed together.
      setImmediate(() => {
        this.checking = false;
        this.checkWaiting();
      });
    }
  }

  close(): void {
    this.waiting.clear();
    this.receiving.close();
  }

  private mayHave(account: ConnectionAccount, { bytes, isComplete }: ShareWant): boolean {
    return bytes === 0 || (isComplete === true ? this.mayDeliver(bytes) : this.mayBegin(account, bytes));
  }

  private checkWaiting(): void {
    for (const [waiter, want] of this.waiting) {
      const { account } = want;
      if (this.mayTake(account) && this.mayHave(account, want)) {
        this.waiting.delete(waiter);
        waiter.shareFreed();
      }
    }
  }

  private shareOf(address: AddressAccount): number {
    const { held } = this.options;
    const free = Math.max(0, held.limit * SHARED_PART - held.used);
    return Math.max(HELD_FLOOR_BYTES, free / (1 + address.failuresAt(this.now)));
  }
}

/** What one connection makes the server hold. */
export class ConnectionAccount implements Holder {
  receivingBytes = 0;
  held = 0;
  hasLeave = false;
  claimed = 0;
  isBegun = false;
  startedAt = 0;
  markedAt = 0;
  markedBytes = 0;

  constructor(
    private readonly ledger: Ledger,
    readonly address: AddressAccount,
    private readonly holder: AccountHolder,
  ) {}

  get isReading(): boolean {
    return this.holder.isReading;
  }

  get isThrottled(): boolean {
    return this.holder.isThrottled;
  }

  get isBackedUp(): boolean {
    return this.holder.isBackedUp;
  }

  get lackingBytes(): number {
    return this.holder.lackingBytes;
  }

  granted(): void {
    this.holder.granted();
  }

  evict(): void {
    this.address.fail(this.ledger.now);
    this.holder.evict();
  }

  /**
   * Bytes are about to be kept for a message that is not complete, and up to `claim` more may follow. `false` if that
   * has to wait for `granted()`.
   */
  reserve(bytes: number, claim = 0): boolean {
    return this.ledger.receiving.reserve(this, bytes, claim);
  }

  /** The like for bytes that are there already, whether there is room for them or not; negative to give them back. */
  reserveAnyhow(bytes: number): void {
    this.ledger.receiving.reserveAnyhow(this, bytes);
  }

  /** So many bytes of what was reserved are no longer needed. */
  releaseReceived(bytes: number): void {
    this.ledger.receiving.withdraw(this, bytes);
  }

  /** A message for which so much was reserved is complete, and no longer this ledger's to hold. */
  completed(bytes: number): void {
    this.address.complete(this.ledger.now);
    this.ledger.receiving.complete(this, bytes);
  }

  /** The application holds these bytes from now on. */
  charge(bytes: number): void {
    this.held += bytes;
    this.address.held += bytes;
    this.ledger.held.charge(bytes);
  }

  release(bytes: number): void {
    this.held -= bytes;
    this.address.held -= bytes;
    this.ledger.held.release(bytes);
    this.ledger.freed();
  }

  /** The connection has ended. What the application holds of it stays charged until it is settled. */
  close(): void {
    this.ledger.receiving.remove(this);
  }
}
