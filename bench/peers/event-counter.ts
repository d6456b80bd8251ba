import { setTimeout as delay } from 'node:timers/promises';
import { sharedNow } from '../clock.js';

/** The stop rule for events that never come. */
const SILENCE_MS = 1_000;

/** What the server process has received. */
export class EventCounter {
  private count = 0;
  private lastAt = 0;

  add(): void {
    this.count++;
    this.lastAt = sharedNow();
  }

  /** Resolves when `expected` events are there, or none has come for a second; starts over afterwards. */
  async settle(expected: number): Promise<{ received: number; lastAt: number }> {
    let seen = -1;
    let silentSince = sharedNow();
    while (this.count < expected && sharedNow() - silentSince < SILENCE_MS) {
      if (this.count !== seen) {
        seen = this.count;
        silentSince = sharedNow();
      }
      await delay(5);
    }
    const { count: received, lastAt } = this;
    this.count = 0;
    return { received, lastAt };
  }
}
