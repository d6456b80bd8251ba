import { TokenBucket } from '../limits/token-bucket.js';
import type { Clock } from '../limits/clock.js';
import type { Address } from './addresses.js';

export interface HandshakeQueueOptions {
  readonly clock: Clock;
  readonly now: () => number;
  /** Handshakes a second, of all addresses together. */
  readonly rate: () => number;
}

interface Waiting {
  readonly address: Address;
  readonly start: () => void;
}

/** Part of a second for which handshakes may come at once. */
const BURST = 1 / 4;
const LEAST_WAIT_MS = 5;

/**
 * Lets connections begin handshakes that cost the processor much, at a rate that leaves it to those that are there. Of those
 * who wait, the address is next that has had fewest lately. Whoever gives up leaves by the function that `add()` returns.
 */
export class HandshakeQueue {
  private readonly waiting = new Set<Waiting>();
  private readonly bucket: TokenBucket;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: HandshakeQueueOptions) {
    const rate = options.rate();
    this.bucket = new TokenBucket(rate, burstOf(rate), options.now());
  }

  get size(): number {
    return this.waiting.size;
  }

  add(address: Address, start: () => void): () => void {
    const entry = { address, start };
    if (this.waiting.size === 0 && this.take()) {
      address.handshakes.take(1, this.options.now());
      start();
    } else {
      this.waiting.add(entry);
      this.later();
    }
    return () => this.waiting.delete(entry);
  }

  adjust(): void {
    const rate = this.options.rate();
    this.bucket.adjust(rate, burstOf(rate), this.options.now());
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.waiting.clear();
  }

  private later(): void {
    if (this.stopTimer === undefined && this.waiting.size > 0) {
      const wait = Math.max(LEAST_WAIT_MS, this.bucket.waitAt(this.options.now()));
      this.stopTimer = this.options.clock.after(wait, () => {
        this.stopTimer = undefined;
        this.startWaiting();
        this.later();
      });
    }
  }

  private startWaiting(): void {
    while (this.waiting.size > 0 && this.take()) {
      const next = this.next();
      this.waiting.delete(next);
      next.address.handshakes.take(1, this.options.now());
      next.start();
    }
  }

  private next(): Waiting {
    const now = this.options.now();
    let best: Waiting | undefined;
    let least = Infinity;
    for (const entry of this.waiting) {
      const wait = entry.address.handshakes.waitAt(now);
      if (wait < least) {
        best = entry;
        least = wait;
      }
    }
    return best as Waiting;
  }

  private take(): boolean {
    const now = this.options.now();
    if (this.bucket.waitAt(now) > 0) {
      return false;
    }
    this.bucket.take(1, now);
    return true;
  }
}

function burstOf(rate: number): number {
  return Math.max(1, rate * BURST);
}
