import type { PeerUsage } from '../limits/peer-usage.js';

/** Processing that should not be exceeded without giving the event loop a turn. */
const ROUND_MS = 4;
/** Packets between two looks at the clock. */
const PACKETS_PER_CHECK = 16;

/**
 * What is begun in one turn of the event loop. A handler runs when the code that called it has returned, so its cost
 * cannot be seen while more packets are taken up: it is expected to be what earlier ones of the same address have cost,
 * and measured once all that was begun in one go has run as far as it can.
 */
export class IntakeRound {
  private readonly packets = new Map<PeerUsage, number>();
  /** Milliseconds used in this turn. */
  private used = 0;
  /** Milliseconds that what was begun last will take. */
  private expected = 0;
  private counted = 0;
  private startedAt = 0;
  private isOpen = false;
  private isMeasuring = false;

  /** @param onMeasured what was begun in one go has run: there may be time for more in this turn, or in the next one */
  constructor(private readonly onMeasured: () => void) {}

  /** Whether what has been begun is enough for this turn. */
  get isFull(): boolean {
    return this.used + this.expected >= ROUND_MS;
  }

  /** Whether the rest of the turn is for what comes in, rather than for what has waited. */
  get isHalfFull(): boolean {
    return this.used + this.expected >= ROUND_MS / 2;
  }

  /** Whether more will be begun in this turn, once what was begun last has run. */
  get willGoOn(): boolean {
    return this.isMeasuring && !this.isHalfFull;
  }

  /** Calls `onMeasured` in the next turn of the event loop. */
  await(): void {
    if (!this.isOpen) {
      this.isOpen = true;
      setImmediate(this.end);
    }
  }

  /** A packet of the address is taken up. */
  count(usage: PeerUsage): void {
    this.await();
    if (!this.isMeasuring) {
      this.isMeasuring = true;
      this.startedAt = performance.now();
      // A tick that is asked for in a microtask comes when all microtasks are done.
      queueMicrotask(this.waitForHandlers);
    }
    this.packets.set(usage, (this.packets.get(usage) ?? 0) + 1);
    this.expected += usage.cost;
    if (++this.counted % PACKETS_PER_CHECK === 0) {
      this.expected = Math.max(this.expected, performance.now() - this.startedAt);
    }
  }

  private readonly waitForHandlers = (): void => {
    process.nextTick(this.measure);
  };

  private readonly measure = (): void => {
    const now = performance.now();
    const elapsed = now - this.startedAt;
    let weights = 0;
    for (const [usage, packets] of this.packets) {
      weights += packets * usage.cost;
    }
    for (const [usage, packets] of this.packets) {
      usage.spent(packets, (elapsed * packets * usage.cost) / weights, now);
    }
    this.packets.clear();
    this.isMeasuring = false;
    this.expected = 0;
    this.used += elapsed;
    this.onMeasured();
  };

  private readonly end = (): void => {
    this.used = 0;
    this.isOpen = false;
    this.onMeasured();
  };
}
