import { getHeapStatistics } from 'node:v8';
import { systemClock, type Clock } from './clock.js';

/** How V8 is made to collect: incrementally, or at once and down to what is in use. */
export type Collection = 'gentle' | 'full';

export interface HeapPressureOptions {
  /** Bytes that resident memory may grow by. */
  readonly allowance: number;
  readonly clock?: Clock;
  /** Resident memory, in bytes. @defaultValue that of this process */
  readonly resident?: () => number;
  /** Makes V8 collect. @defaultValue by an allocation that is never touched */
  readonly collect?: (how: Collection) => void;
  /** Takes back what `collect` has allocated. */
  readonly tidy?: () => void;
}

const CHECK_MS = 100;
/** Part of the allowance above which garbage is worth being collected, */
const THRESHOLD_PART = 1 / 2;
/** part of it by which memory has to grow after a collection before the next one, */
const STEP_PART = 1 / 8;
/** part of it that is too near to the whole for a collection that takes its time, */
const EMERGENCY_PART = 3 / 4;
/** and part of it for which a few seconds are waited. */
const SMALL_STEP_PART = 1 / 32;
const CALM_MS = 3_000;
/** When a collection has had its effect. */
const SETTLE_MS = 300;

/**
 * Keeps garbage from taking the room of the budget. V8 lets old garbage grow to hundreds of megabytes where the machine
 * has them, as it knows nothing of budgets. When resident memory has grown by half of what it may, V8 is made to begin a
 * collection (incremental, some milliseconds), and again after each further eighth; at three quarters it has to collect at
 * once. Smaller growth is collected every few seconds. Once a flood is over, one full collection gives back what V8 keeps
 * for the next one.
 */
export class HeapPressure {
  /** Bytes that resident memory may grow by; another value holds from the next look. */
  allowance: number;
  private readonly clock: Clock;
  private readonly resident: () => number;
  private readonly collect: (how: Collection) => void;
  private readonly tidy: () => void;
  /** Memory at the start. */
  private base = 0;
  private threshold = 0;
  private emergency = 0;
  /** What was left by the last collection. */
  private settled = 0;
  private collectedAt = 0;
  /** The collection that is to have its effect. */
  private underWay: Collection | undefined = undefined;
  private hasFlooded = false;
  private stopTimer: (() => void) | undefined;

  constructor(options: HeapPressureOptions) {
    this.clock = options.clock ?? systemClock;
    this.allowance = options.allowance;
    this.resident = options.resident ?? residentMemory;
    this.collect = options.collect ?? allocateUntouched;
    this.tidy = options.tidy ?? freeUntouched;
  }

  start(): void {
    this.settled = this.resident();
    this.base = this.settled;
    this.adjust(this.settled);
    this.collectedAt = this.clock.now();
    this.schedule();
  }

  stop(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  private schedule(): void {
    this.stopTimer = this.clock.after(CHECK_MS, () => {
      this.check();
      this.schedule();
    });
  }

  private check(): void {
    const resident = this.resident();
    const age = this.clock.now() - this.collectedAt;
    if (this.underWay !== 'full' && resident > this.emergency) {
      this.hasFlooded = true;
      this.begin('full');
      return;
    }
    if (this.underWay !== undefined) {
      if (age >= SETTLE_MS) {
        this.settle(this.underWay, resident);
      }
      return;
    }
    const { allowance } = this;
    if (resident + allowance * STEP_PART < this.threshold) {
      this.adjust(resident);
    }
    const growth = resident - this.settled;
    const isCalm = age >= CALM_MS;
    if (resident > this.threshold || (isCalm && growth > allowance * SMALL_STEP_PART)) {
      this.hasFlooded ||= growth > allowance * STEP_PART;
      this.begin('gentle');
    } else if (isCalm && this.hasFlooded) {
      this.hasFlooded = false;
      this.begin('full');
    }
  }

  private begin(how: Collection): void {
    this.collect(how);
    this.underWay = how;
    this.collectedAt = this.clock.now();
  }

  /** What is left of a collection is in use, or V8 has its reasons: more of the same at once would only cost time. */
  private adjust(resident: number): void {
    const { allowance } = this;
    const next = resident + allowance * STEP_PART;
    this.threshold = Math.max(this.base + allowance * THRESHOLD_PART, next);
    this.emergency = Math.max(this.base + allowance * EMERGENCY_PART, next);
  }

  private settle(how: Collection, resident: number): void {
    this.underWay = undefined;
    this.settled = resident;
    this.adjust(resident);
    if (how === 'full') {
      // The allocation that led to a full collection has outlived it; the next collection frees that as well.
      this.begin('gentle');
    } else {
      this.tidy();
    }
  }
}

/**
 * V8 counts memory outside of its heap, and collects when much of it is new: incrementally beyond 64 MB, fully beyond half
 * of what the heap may grow to. Nothing is ever written to these bytes, so that the system never provides them.
 */
const GENTLE_BYTES = 128 * 1024 ** 2;
/** A full collection stops the process for as long as it takes to visit all that is in use. */
const MAX_USED_FOR_FULL = 256 * 1024 ** 2;

function allocateUntouched(how: Collection): void {
  const { heap_size_limit: most, used_heap_size: used } = getHeapStatistics();
  const isFull = how === 'full' && used <= MAX_USED_FOR_FULL;
  try {
    void new ArrayBuffer(isFull ? most / 2 + GENTLE_BYTES : GENTLE_BYTES);
  } catch {
    // Where address space is that short, V8 collects by itself.
  }
}

/** The next allocation after a large one makes V8 look at the young ones, of which that is one. */
function freeUntouched(): void {
  void new ArrayBuffer(1);
}

let lastKnown = 0;

function residentMemory(): number {
  try {
    lastKnown = process.memoryUsage.rss();
  } catch {
    // Reading it takes a descriptor, of which there may be none left.
  }
  return lastKnown;
}
