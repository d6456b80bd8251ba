import { systemClock, type Clock } from './clock.js';

const TICK_MS = 10;
const SLOTS = 512;

/** Something that may expire. Extend it: the links live in the object itself, so that a deadline costs no allocation. */
export abstract class Expiring {
  /** @internal */ declare expiresAt: number;
  /** @internal */ declare earlier: Expiring | undefined;
  /** @internal */ declare later: Expiring | undefined;

  // Fields that are defined are slow where many classes share them, and every request is one of these.
  constructor() {
    this.expiresAt = 0;
    this.earlier = undefined;
    this.later = undefined;
  }

  /** Whether it has a deadline. */
  get isPending(): boolean {
    return this.earlier !== undefined;
  }

  abstract expire(): void;
}

/** Holds the head of one slot's list. */
class Slot extends Expiring {
  override expire(): void {}
}

/**
 * Deadlines of any number of items behind a single timer, which runs only while there are any: a hashed wheel
 * with ticks of 10 ms. Items expire at most two ticks late and never early.
 */
export class DeadlineWheel {
  private readonly slots = Array.from({ length: SLOTS }, () => new Slot());
  private lastTick = 0;
  private count = 0;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly clock: Clock = systemClock) {}

  get size(): number {
    return this.count;
  }

  /** Lets `item` expire in `ms` milliseconds; an item that has a deadline already gets the new one. */
  add(item: Expiring, ms: number): void {
    this.remove(item);
    const now = this.clock.now();
    if (this.count === 0) {
      this.lastTick = Math.floor(now / TICK_MS);
    }
    item.expiresAt = now + ms;
    // A slot that has been visited already would not be looked at again for a whole turn.
    const tick = Math.max(this.lastTick + 1, Math.ceil(item.expiresAt / TICK_MS));
    const slot = this.slots[tick % SLOTS] as Slot;
    item.earlier = slot;
    item.later = slot.later;
    if (slot.later !== undefined) {
      slot.later.earlier = item;
    }
    slot.later = item;
    this.count++;
    this.stopTimer ??= this.clock.after(TICK_MS, this.onTimer);
  }

  /** Takes the deadline off `item`; nothing happens when it has none. */
  remove(item: Expiring): void {
    const { earlier, later } = item;
    if (earlier === undefined) {
      return;
    }
    earlier.later = later;
    if (later !== undefined) {
      later.earlier = earlier;
    }
    item.earlier = undefined;
    item.later = undefined;
    this.count--;
  }

  /** Drops all deadlines without letting them expire. */
  clear(): void {
    for (const slot of this.slots) {
      while (slot.later !== undefined) {
        this.remove(slot.later);
      }
    }
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  private readonly onTimer = (): void => {
    this.stopTimer = undefined;
    const now = this.clock.now();
    const tick = Math.floor(now / TICK_MS);
    // After a long pause one whole turn visits every slot once.
    const from = Math.max(this.lastTick + 1, tick - SLOTS + 1);
    this.lastTick = tick;
    for (let visited = from; visited <= tick; visited++) {
      this.expireSlot(this.slots[visited % SLOTS] as Slot, now);
    }
    if (this.count > 0) {
      this.stopTimer ??= this.clock.after(TICK_MS, this.onTimer);
    }
  };

  private expireSlot(slot: Slot, now: number): void {
    const due: Expiring[] = [];
    for (let item = slot.later; item !== undefined; item = item.later) {
      if (item.expiresAt <= now) {
        due.push(item);
      }
    }
    // The newest comes first in a slot, and whoever has waited longest is to have the first go.
    for (const item of due.reverse()) {
      // An earlier one of this round may have settled it, or given it a new deadline.
      if (item.earlier !== undefined && item.expiresAt <= now) {
        this.remove(item);
        item.expire();
      }
    }
  }
}
