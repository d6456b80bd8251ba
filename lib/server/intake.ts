/** What came of one step of a job: go on, keep what could not be taken up for later, or the job is over. */
export type Step = 'next' | 'wait' | 'end';

/** One received message being worked off, packet by packet. */
export interface Job {
  step(): Step;
}

export interface IntakeOptions {
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Longest time of handling packets without giving the event loop a turn. */
const SLICE_MS = 4;
const STEPS_PER_CLOCK_CHECK = 32;

/**
 * Works off received messages in order. While a packet has to wait for a place, reading pauses, so that the waiting
 * happens at the senders and not in this process.
 */
export class Intake {
  private readonly jobs: Job[] = [];
  private working = false;
  private yielding = false;
  private paused = false;

  constructor(private readonly options: IntakeOptions) {}

  /** Whether nothing has been read for lack of room. */
  get isPaused(): boolean {
    return this.paused;
  }

  add(job: Job): void {
    this.jobs.push(job);
    this.work();
  }

  /** Goes on where there may be room again. */
  work(): void {
    if (this.working || this.yielding) {
      return;
    }
    this.working = true;
    try {
      this.workOff();
    } finally {
      this.working = false;
    }
  }

  clear(): void {
    this.jobs.length = 0;
  }

  private workOff(): void {
    const sliceEnd = performance.now() + SLICE_MS;
    let steps = 0;
    while (this.jobs.length > 0) {
      const step = (this.jobs[0] as Job).step();
      if (step === 'wait') {
        this.pauseReading();
        return;
      }
      if (step === 'end') {
        this.jobs.shift();
      }
      if (++steps % STEPS_PER_CLOCK_CHECK === 0 && performance.now() > sliceEnd && this.jobs.length > 0) {
        this.yieldTurn();
        return;
      }
    }
    if (this.paused) {
      this.paused = false;
      this.options.resume();
    }
  }

  private yieldTurn(): void {
    this.pauseReading();
    this.yielding = true;
    setImmediate(() => {
      this.yielding = false;
      this.work();
    });
  }

  private pauseReading(): void {
    if (!this.paused) {
      this.paused = true;
      this.options.pause();
    }
  }
}
