import type { Address } from './addresses.js';

/** Longest processing for one connection without a look at others. */
const SLICE_MS = 1;
/** Longest processing in one round of the event loop, so that timers and other sockets have their turn. */
const ROUND_MS = 4;

/** A connection that has bytes to be worked off. */
export interface Worker {
  readonly address: Address;
  /** Works until it is out of work or `isOver()`. */
  work(): void;
}

/**
 * Fairness in time. What is read is worked off at once as long as its address has not used up its slice of the round,
 * nor all of them the round; of the rest the address that has used the processor least has the first turn.
 */
export class Turns {
  private readonly queues = new Map<Address, Set<Worker>>();
  private round = 1;
  private isRoundOpen = false;
  private roundStart = 0;
  private sliceStart = 0;
  private isScheduled = false;
  private closed = false;

  /** Begins the work of an address. `false` if it has to wait for its turn. */
  begin(address: Address): boolean {
    const now = performance.now();
    if (!this.isRoundOpen) {
      this.isRoundOpen = true;
      this.roundStart = now;
      this.round++;
      if (!this.isScheduled) {
        setImmediate(this.endRound);
      }
    }
    if (address.round !== this.round) {
      address.round = this.round;
      address.busy = 0;
    }
    this.sliceStart = now - address.busy;
    return address.busy < SLICE_MS && now - this.roundStart < ROUND_MS;
  }

  /** Whether the work begun last should give way. */
  isOver(): boolean {
    return performance.now() - this.sliceStart >= SLICE_MS;
  }

  end(address: Address): void {
    const now = performance.now();
    const busy = now - this.sliceStart;
    address.usage.worked(busy - address.busy, now);
    address.busy = busy;
  }

  /** Lets `worker` work when it is its turn. */
  add(worker: Worker): void {
    const queue = this.queues.get(worker.address) ?? new Set();
    this.queues.set(worker.address, queue.add(worker));
    this.schedule();
  }

  remove(worker: Worker): void {
    const queue = this.queues.get(worker.address);
    if (queue?.delete(worker) === true && queue.size === 0) {
      this.queues.delete(worker.address);
    }
  }

  close(): void {
    this.closed = true;
    this.queues.clear();
  }

  private readonly endRound = (): void => {
    this.isRoundOpen = false;
  };

  private schedule(): void {
    if (!this.isScheduled && !this.closed) {
      this.isScheduled = true;
      setImmediate(this.run);
    }
  }

  private readonly run = (): void => {
    this.isRoundOpen = true;
    this.round++;
    this.roundStart = performance.now();
    this.workNext();
  };

  private readonly workNext = (): void => {
    const next = this.next();
    if (next === undefined || performance.now() - this.roundStart >= ROUND_MS) {
      this.isScheduled = false;
      this.isRoundOpen = false;
      if (next !== undefined) {
        this.schedule();
      }
      return;
    }
    this.remove(next);
    next.work();
    // What this has set off runs before the next connection is worked for: a tick asked for in a microtask comes last.
    queueMicrotask(() => process.nextTick(this.workNext));
  };

  /** The longest waiting connection of the address that has used the processor least. */
  private next(): Worker | undefined {
    const now = performance.now();
    let best: Set<Worker> | undefined;
    let least = Infinity;
    for (const [{ usage }, queue] of this.queues) {
      const busy = usage.busyAt(now);
      if (busy < least) {
        best = queue;
        least = busy;
      }
    }
    return best?.values().next().value;
  }
}
