import { setTimeout as sleep } from 'node:timers/promises';
import { readMemory, type MemoryReading } from './memory-probe.js';

const SAMPLE_MS = 50;

/** Follows the memory of a process, and notes its peak. */
export class MemoryWatch {
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private peakSeen: number;

  private constructor(
    private readonly pid: number,
    private readonly first: MemoryReading,
    private readonly onReading: (bytes: number) => void,
  ) {
    this.peakSeen = first.now;
    this.running = this.run();
  }

  /** @returns undefined if the process cannot be looked at. */
  static async start(pid: number, onReading: (bytes: number) => void): Promise<MemoryWatch | undefined> {
    const first = await readMemory(pid);
    return first && new MemoryWatch(pid, first, onReading);
  }

  /** The most resident bytes since the watch began. */
  get peak(): number {
    return this.peakSeen;
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.running;
    await this.read();
  }

  private async run(): Promise<void> {
    while (!this.stop.signal.aborted) {
      await this.read();
      await sleep(SAMPLE_MS, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }

  private async read(): Promise<void> {
    const reading = await readMemory(this.pid);
    if (reading === undefined) {
      return;
    }
    // The system's own high-water mark also sees what happened between two samples, but not which of two peaks came
    // first: it counts only if it has risen since.
    const { now, high } = reading;
    this.peakSeen = Math.max(this.peakSeen, now, high > this.first.high ? high : 0);
    this.onReading(now);
  }
}
