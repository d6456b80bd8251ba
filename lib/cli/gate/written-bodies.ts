import type { Request } from './request-queue.js';

/** Smaller messages are not worth it. */
const MIN_BYTES = 64 * 1024;
/** Messages that wait at a time; others are left to the garbage collector. */
const MAX_WAITING = 64;

/**
 * Gives the buffers of large messages back once the connection has written them, so that the next ones are read into
 * them: garbage of that size would otherwise make a multiple of the budget before it is collected.
 */
export class WrittenBodies {
  private waiting: Request[] = [];
  private isScheduled = false;

  /** @param queued bytes that the connection has been given and the system has not taken */
  constructor(private readonly queued: () => number) {}

  /** A message has been given to the connection. */
  add(request: Request): void {
    if (request.bytes >= MIN_BYTES && this.waiting.length < MAX_WAITING) {
      this.waiting.push(request);
      this.check();
    }
  }

  /** Something has been written. */
  check(): void {
    if (!this.isScheduled && this.waiting.length > 0) {
      this.isScheduled = true;
      // What is sent now is given to the connection by then.
      setImmediate(() => {
        this.isScheduled = false;
        this.giveBack();
      });
    }
  }

  /** The connection has ended: who knows what the system still reads. */
  forget(): void {
    this.waiting = [];
  }

  private giveBack(): void {
    const queued = this.queued();
    // What is left to be written is of the newest messages.
    let done = this.waiting.length;
    for (let newer = 0; done > 0 && newer < queued; done--) {
      newer += sizeOf(this.waiting[done - 1] as Request);
    }
    for (const { account, frames } of this.waiting.splice(0, done)) {
      account.recycle(frames);
    }
  }
}

function sizeOf({ frames }: Request): number {
  return frames.reduce((sum, { length }) => sum + length, 0);
}
