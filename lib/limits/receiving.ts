import type { AddressAccount } from './address-account.js';
import { systemClock, type Clock } from './clock.js';
import { mark, start, type Holder } from './holder.js';
import { isHindrance, STALL_MS, timeLeft } from './patience.js';

export interface ReceivingBounds {
  /** Bytes of incomplete messages in the whole server. */
  readonly receiving: number;
  /** The part of it that is handed out as completion leaves, at least one message of the largest size. */
  readonly reserve: number;
}

export interface ReceivingOptions extends ReceivingBounds {
  /** What each address may use of it whatever others do. @defaultValue 128 KiB */
  readonly floor?: number;
  readonly clock?: Clock;
  /** Runs what must not be decided before the sockets have been read once more. @defaultValue setImmediate */
  readonly afterReads?: (check: () => void) => void;
  /** Told when less is held. */
  readonly onReleased?: () => void;
}

interface Want {
  readonly bytes: number;
  readonly claim: number;
}

const FLOOR_BYTES = 128 * 1024;
/** Part of the reserve for addresses that have not completed a message, or have failed to. */
const STRANGERS_PART = 1 / 2;
/** Part of the whole that is kept for floors. */
const FLOORS_PART = 1 / 8;
/**
 * Who may hold bytes of incomplete messages. Reserving before the first byte is kept means that every message that has
 * begun can be completed. An address gets a share that shrinks as the room does and as its messages fail; beyond that,
 * one message of an address at a time gets a leave out of a reserve. Who waits is served by fewest failures, then
 * least use. While somebody waits, whoever does not get on with its message is evicted, which takes no polling: there is
 * one timer, and only then.
 */
export class Receiving {
  private total = 0;
  /** What the leaves that were handed out may come to, */
  private leaves = 0;
  /** and what is reserved of it. */
  private leaveBytes = 0;
  private readonly holders = new Set<Holder>();
  private readonly waiting = new Map<AddressAccount, Map<Holder, Want>>();
  private readonly clock: Clock;
  private readonly floor: number;
  private shared = 0;
  private bounds: ReceivingBounds;
  private readonly afterReads: (check: () => void) => void;
  private stopTimer: (() => void) | undefined;
  private pumping = false;
  private asking: Holder | undefined;

  constructor(private readonly options: ReceivingOptions) {
    this.clock = options.clock ?? systemClock;
    this.floor = options.floor ?? FLOOR_BYTES;
    this.afterReads = options.afterReads ?? setImmediate;
    this.bounds = options;
    this.adjust(options);
  }

  /** Other bounds from now on. What has been reserved stays so. */
  adjust(bounds: ReceivingBounds): void {
    this.bounds = bounds;
    this.shared = Math.max(0, bounds.receiving * (1 - FLOORS_PART) - bounds.reserve);
    this.pump();
  }

  get used(): number {
    return this.total;
  }

  /** Connections that wait for room. */
  get waiters(): number {
    let count = 0;
    for (const holders of this.waiting.values()) {
      count += holders.size;
    }
    return count;
  }

  /**
   * @param claim bytes that the message may still have behind these, for which its leave must suffice
   * @returns whether the bytes are reserved; if not, the holder waits.
   */
  reserve(holder: Holder, bytes: number, claim = 0): boolean {
    const want = { bytes, claim };
    if (this.fits(holder, bytes) || (this.waiting.size === 0 && this.takeLeave(holder, want))) {
      this.grant(holder, bytes);
      return true;
    }
    const waiters = this.waiting.get(holder.address) ?? new Map<Holder, Want>();
    this.waiting.set(holder.address, waiters.set(holder, want));
    // It may be the first of those who wait, for whom there is room. Whoever asks learns it by the answer.
    this.asking = holder;
    this.pump();
    this.asking = undefined;
    this.watch();
    return !this.isWaiting(holder);
  }

  /** For bytes that have been read already; negative to give them back. */
  reserveAnyhow(holder: Holder, bytes: number): void {
    if (bytes > 0) {
      this.add(holder, bytes);
    } else {
      this.release(holder, -bytes);
    }
  }

  release(holder: Holder, bytes: number): void {
    holder.receivingBytes -= bytes;
    holder.address.receiving -= bytes;
    this.total -= bytes;
    if (holder.hasLeave) {
      this.leaves -= bytes;
      this.leaveBytes -= bytes;
    }
    if (holder.receivingBytes === 0) {
      this.holders.delete(holder);
      holder.isBegun = false;
      this.endLeave(holder);
    }
    this.pump();
    this.options.onReleased?.();
  }

  /** Releases a message that is complete; what else the holder has belongs to the next one. */
  complete(holder: Holder, bytes: number): void {
    this.withdraw(holder, bytes);
    start(holder, this.clock.now());
  }

  /** The message for which so much was reserved is not to be received, at least for now. */
  withdraw(holder: Holder, bytes: number): void {
    this.endLeave(holder);
    holder.isBegun = false;
    this.release(holder, bytes);
  }

  remove(holder: Holder): void {
    this.forgetWaiter(holder);
    this.release(holder, holder.receivingBytes);
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.waiting.clear();
    this.holders.clear();
  }

  private fits({ address, hasLeave }: Holder, bytes: number): boolean {
    if (hasLeave) {
      // It is good for the whole message.
      return true;
    }
    const used = this.total - this.leaveBytes;
    const wanted = address.receiving + bytes;
    const free = this.shared - used;
    if (bytes <= free && wanted <= free / (1 + address.failuresAt(this.clock.now()))) {
      return true;
    }
    return wanted <= this.floor && used + bytes <= this.bounds.receiving - this.bounds.reserve;
  }

  /** Strangers and those who have failed get half of it: those who have completed messages must find a leave at once. */
  private reserveFor(address: AddressAccount): number {
    const { reserve } = this.bounds;
    const now = this.clock.now();
    return address.completionsAt(now) > 0 && address.failuresAt(now) === 0 ? reserve : reserve * STRANGERS_PART;
  }

  private takeLeave(holder: Holder, { bytes, claim }: Want): boolean {
    const { address } = holder;
    // What it holds already moves with it.
    const whole = holder.receivingBytes + bytes + claim;
    // However large the message is, it may have the reserve for itself.
    if (address.hasLeave || (this.leaves > 0 && this.leaves + whole > this.reserveFor(address))) {
      return false;
    }
    this.leaves += whole;
    this.leaveBytes += holder.receivingBytes;
    holder.claimed = bytes + claim;
    holder.hasLeave = true;
    address.hasLeave = true;
    return true;
  }

  private endLeave(holder: Holder): void {
    if (holder.hasLeave) {
      this.leaves -= holder.receivingBytes + holder.claimed;
      this.leaveBytes -= holder.receivingBytes;
      holder.claimed = 0;
      holder.hasLeave = false;
      holder.address.hasLeave = false;
    }
  }

  private grant(holder: Holder, bytes: number): void {
    if (!holder.isBegun) {
      // What it held before, such as bytes that were read ahead, is no part of its time.
      holder.isBegun = true;
      start(holder, this.clock.now());
    }
    this.add(holder, bytes);
  }

  private add(holder: Holder, bytes: number): void {
    if (holder.receivingBytes === 0) {
      start(holder, this.clock.now());
      this.holders.add(holder);
    }
    holder.receivingBytes += bytes;
    holder.address.receiving += bytes;
    this.total += bytes;
    if (holder.hasLeave) {
      const drawn = Math.min(bytes, holder.claimed);
      holder.claimed -= drawn;
      this.leaves += bytes - drawn;
      this.leaveBytes += bytes;
    }
  }

  private pump(): void {
    if (this.pumping || this.waiting.size === 0) {
      return;
    }
    this.pumping = true;
    try {
      for (let best = this.best(); best !== undefined; best = this.best()) {
        const { holder, want } = best;
        if (!this.fits(holder, want.bytes) && !this.takeLeave(holder, want)) {
          return;
        }
        this.forgetWaiter(holder);
        this.grant(holder, want.bytes);
        if (holder !== this.asking) {
          holder.granted();
        }
      }
    } finally {
      this.pumping = false;
    }
  }

  /** Of the addresses that wait, the one with the fewest failures, then the most completed messages, then the one that uses least. */
  private best(): { readonly holder: Holder; readonly want: Want } | undefined {
    const now = this.clock.now();
    let best: { readonly holder: Holder; readonly want: Want } | undefined;
    let bestRank: readonly number[] = [];
    for (const [address, waiters] of this.waiting) {
      const [holder, want] = waiters.entries().next().value as [Holder, Want];
      if (holder.isThrottled || (address.hasLeave && !this.fits(holder, want.bytes))) {
        // Others must not wait for one that would not use it, nor for its leave to end.
        continue;
      }
      const rank = [address.failuresAt(now), -address.completionsAt(now), address.receiving];
      if (best === undefined || isLess(rank, bestRank)) {
        best = { holder, want };
        bestRank = rank;
      }
    }
    return best;
  }

  private isWaiting(holder: Holder): boolean {
    return this.waiting.get(holder.address)?.has(holder) === true;
  }

  private forgetWaiter(holder: Holder): void {
    const waiters = this.waiting.get(holder.address);
    if (waiters?.delete(holder) === true && waiters.size === 0) {
      this.waiting.delete(holder.address);
    }
  }

  private watch(): void {
    if (this.stopTimer !== undefined || this.waiting.size === 0) {
      return;
    }
    const now = this.clock.now();
    for (const holder of this.holders) {
      // What it did before anybody waited does not count.
      if (now - holder.markedAt > STALL_MS) {
        mark(holder, now);
      }
    }
    this.startTimer(STALL_MS);
  }

  private startTimer(ms: number): void {
    this.stopTimer = this.clock.after(ms, () => {
      // A process that was held up has not looked at what has arrived meanwhile.
      this.afterReads(() => {
        this.stopTimer = undefined;
        this.evictStalled();
      });
    });
  }

  private evictStalled(): void {
    if (this.waiting.size === 0) {
      return;
    }
    const now = this.clock.now();
    let next = STALL_MS;
    for (const holder of this.holders) {
      const left = timeLeft(holder, now, this.isWaiting(holder));
      if (left > 0) {
        next = Math.min(next, left);
      } else if (isHindrance(holder, now, this.floor)) {
        holder.evict();
        this.remove(holder);
      }
    }
    // Some may have waited for the time at which they could use it.
    this.pump();
    if (this.waiting.size > 0 && this.stopTimer === undefined) {
      this.startTimer(Math.max(1, next));
    }
  }
}

/** What nobody else can have because of the holder. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] as number) - (b[index] as number);
    if (difference !== 0) {
      return difference < 0;
    }
  }
  return false;
}
