const HALF_LIFE_MS = 10_000;
const MAX_COUNT = 1_000;

/** What one network address makes the server hold, and how it has fared. */
export class AddressAccount {
  /** Bytes of messages that are not complete. */
  receiving = 0;
  /** Bytes that the application has not settled. */
  held = 0;
  /** Whether one of its messages has a leave from the reserve. */
  hasLeave = false;
  private failed = 0;
  private failedAt = 0;
  private completed = 0;
  private completedAt = 0;

  /** Recent failures; they count half after every ten seconds. */
  failuresAt(now: number): number {
    return countAt(this.failed, now - this.failedAt);
  }

  /** Recent messages that were completed after room had been made for them; they count half likewise, and nothing after a failure. */
  completionsAt(now: number): number {
    return countAt(this.completed, now - this.completedAt);
  }

  complete(now: number): void {
    this.completed = Math.min(MAX_COUNT, this.completed * decay(now - this.completedAt) + 1);
    this.completedAt = now;
  }

  fail(now: number): void {
    this.failed = Math.min(MAX_COUNT, this.failed * decay(now - this.failedAt) + 1);
    this.failedAt = now;
    this.completed = 0;
  }
}

function countAt(count: number, age: number): number {
  return count === 0 ? 0 : Math.round(count * decay(age));
}

function decay(age: number): number {
  return 0.5 ** (age / HALF_LIFE_MS);
}
