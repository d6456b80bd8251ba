import type { PeerUsage } from '../limits/peer-usage.js';
import { IntakeRound } from './intake-round.js';

/**
 * What came of one step of a job: go on, keep what could not be taken up until there is room (`hold` if there is some
 * for others), or the job is over.
 */
export type Step = 'next' | 'wait' | 'hold' | 'end';

/** Whose message a job is. */
export interface JobOwner {
  readonly usage: PeerUsage;
  /** Reads nothing more of the owner, of whom so many bytes are kept, for now; `false` if the engine can only do that for all. */
  hold(bytes: number): boolean;
  letGo(): void;
}

/** One received message being worked off, packet by packet. */
export interface Job {
  readonly owner: JobOwner;
  /** Bytes that it keeps until it is over. */
  readonly bytes: number;
  step(): Step;
}

export interface IntakeOptions {
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Packets that are begun in one go: the first answers leave while the next packets are worked off. */
const SLICE_PACKETS = 128;

/** The jobs of one sender, in order. */
interface Queue {
  readonly jobs: Job[];
  isHeld: boolean;
  /** Whether it is held without all others being held with it. */
  isHeldAlone: boolean;
}

/**
 * Works off received messages: those of one sender in order, and of those who wait the one first who has used the
 * processor least. While a packet has to wait for a place, reading pauses, so that the waiting happens at the senders
 * and not in this process.
 */
export class Intake {
  private readonly queues = new Map<JobOwner, Queue>();
  private readonly round = new IntakeRound(() => this.work());
  private working = false;
  /** Packets begun in the last turn of a sender. */
  private begun = 0;
  private paused = false;

  constructor(private readonly options: IntakeOptions) {}

  /** Whether nothing has been read for lack of room. */
  get isPaused(): boolean {
    return this.paused;
  }

  add(job: Job): void {
    const queue = this.queues.get(job.owner) ?? { jobs: [], isHeld: false, isHeldAlone: false };
    this.queues.set(job.owner, queue);
    queue.jobs.push(job);
    if (queue.jobs.length === 1 && !this.working && !this.paused && !this.round.isFull) {
      // Only its own: the time is its sender's.
      this.working = true;
      try {
        this.turn(job.owner, queue);
      } finally {
        this.working = false;
      }
    }
    if (this.queues.get(job.owner) !== queue) {
      return;
    }
    if (!this.round.willGoOn || this.paused) {
      this.keep(job.owner, queue);
    }
    this.round.await();
  }

  /** Goes on where there may be room again. */
  work(): void {
    if (this.working) {
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
    this.queues.clear();
  }

  private workOff(): void {
    const waiting = new Set<JobOwner>();
    let packets = 0;
    // What costs anything is measured before anybody else's handlers are begun.
    while (packets === 0 && !this.round.isHalfFull) {
      const owner = this.next(waiting);
      if (owner === undefined) {
        break;
      }
      const outcome = this.turn(owner, this.queues.get(owner) as Queue);
      packets = this.begun;
      if (outcome === 'wait') {
        return;
      }
      if (outcome === 'hold') {
        waiting.add(owner);
      }
    }
    if (!this.round.willGoOn) {
      this.keepAll();
    }
    if (this.paused && this.mayResume(waiting)) {
      this.paused = false;
      this.options.resume();
    }
  }

  /** Whether all that is left waits for places that others may still have, and none of it keeps others from being read. */
  private mayResume(waiting: ReadonlySet<JobOwner>): boolean {
    for (const [owner, { isHeldAlone }] of this.queues) {
      if (!waiting.has(owner) || !isHeldAlone) {
        return false;
      }
    }
    return true;
  }

  /** What has not been begun waits for the next turn. */
  private keepAll(): void {
    for (const [owner, queue] of this.queues) {
      this.keep(owner, queue);
    }
  }

  /** Gives one sender its turn. */
  private turn(owner: JobOwner, queue: Queue): Step {
    const outcome = this.serve(owner, queue);
    if (queue.jobs.length === 0) {
      this.dismiss(owner, queue);
    } else if (outcome === 'wait') {
      this.pauseReading();
    } else if (outcome === 'hold') {
      this.keep(owner, queue);
    }
    return outcome;
  }

  /** Works for one sender until its jobs are done, have to wait, or it is the turn of others. */
  private serve({ usage }: JobOwner, { jobs }: Queue): Step {
    this.begun = 0;
    while (jobs.length > 0 && !this.round.isFull && this.begun < SLICE_PACKETS) {
      const outcome = (jobs[0] as Job).step();
      if (outcome === 'wait' || outcome === 'hold') {
        return outcome;
      }
      if (outcome === 'end') {
        jobs.shift();
      } else {
        this.begun++;
        this.round.count(usage);
      }
    }
    return 'next';
  }

  /** The sender who has used the processor least. */
  private next(waiting: ReadonlySet<JobOwner>): JobOwner | undefined {
    if (this.queues.size === 1) {
      const [only] = this.queues.keys();
      return waiting.has(only as JobOwner) ? undefined : only;
    }
    const now = performance.now();
    let best: JobOwner | undefined;
    let least = Infinity;
    for (const owner of this.queues.keys()) {
      if (!waiting.has(owner)) {
        const busy = owner.usage.busyAt(now);
        if (busy < least) {
          best = owner;
          least = busy;
        }
      }
    }
    return best;
  }

  /** What is left of a sender's messages has to be kept; nothing more of it is read meanwhile. */
  private keep(owner: JobOwner, queue: Queue): void {
    if (!queue.isHeld) {
      queue.isHeld = true;
      queue.isHeldAlone = owner.hold(queue.jobs.reduce((sum, job) => sum + job.bytes, 0));
      if (!queue.isHeldAlone) {
        this.pauseReading();
      }
    }
  }

  private dismiss(owner: JobOwner, queue: Queue): void {
    this.queues.delete(owner);
    if (queue.isHeld) {
      owner.letGo();
    }
  }

  private pauseReading(): void {
    if (!this.paused) {
      this.paused = true;
      this.options.pause();
    }
  }
}
