import { systemClock, type Clock } from '../limits/clock.js';
import type { ZmqPeer } from '../pipeline/zmq.context.js';

const REPORT_INTERVAL_MS = 1_000;
const MAX_ENTRIES = 1_000;

/** Stands for all patterns that no handler has: peers can think of any number of them. */
export const UNKNOWN_PATTERN = '__unknown__';

/** A peer asked for something that it may not call, and was refused. */
export interface ZmqDenial {
  readonly peer: ZmqPeer;
  /** That of the handler; `'__unknown__'` with `denyByDefault` where there is none. */
  readonly pattern: string;
  readonly kind: 'request' | 'event';
  /** How many of the kind there were of the peer for the pattern since the last report, this one included. */
  readonly count: number;
  /** When the last of them came. */
  readonly at: Date;
}

interface Entry {
  readonly denied: Pick<ZmqDenial, 'peer' | 'pattern' | 'kind'>;
  nextAt: number;
  /** Those that have not been reported. */
  count: number;
  at: number;
}

/**
 * Tells of denials: of each sender, pattern and kind at once, and then once a second at most. It remembers 1,000 of them;
 * the oldest makes room, and what it had not told is told then, so that in the end all have been counted.
 */
export class DenialReports {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly report: (denial: ZmqDenial) => void,
    private readonly clock: Clock = systemClock,
  ) {}

  add(denied: Entry['denied']): void {
    const { peer, pattern, kind } = denied;
    const key = `${kind} ${peer.id} ${peer.identity ?? ''}\n${pattern}`;
    const now = this.clock.now();
    const entry = this.entries.get(key) ?? { denied, nextAt: now, count: 0, at: 0 };
    entry.count++;
    entry.at = Date.now();
    if (now < entry.nextAt) {
      return;
    }
    entry.nextAt = now + REPORT_INTERVAL_MS;
    // Behind all others, as the one that was told last.
    this.entries.delete(key);
    this.makeRoom();
    this.entries.set(key, entry);
    this.tell(entry);
  }

  /** Tells what has not been told, and forgets all. */
  clear(): void {
    for (const entry of this.entries.values()) {
      this.tell(entry);
    }
    this.entries.clear();
  }

  private makeRoom(): void {
    const [oldest] = this.entries.size < MAX_ENTRIES ? [] : this.entries;
    if (oldest !== undefined) {
      this.entries.delete(oldest[0]);
      this.tell(oldest[1]);
    }
  }

  private tell(entry: Entry): void {
    const { denied, count, at } = entry;
    if (count > 0) {
      entry.count = 0;
      this.report({ ...denied, count, at: new Date(at) });
    }
  }
}
