export interface LivenessOptions {
  /** Milliseconds of silence after which a sign of life is due. */
  readonly interval: number;
  /** Milliseconds of silence after which the other side is taken for dead. */
  readonly timeout: number;
  /** Nothing has been sent for a while. */
  readonly onQuiet: () => void;
  /** Nothing has been heard for too long. */
  readonly onDead: () => void;
}

/** Watches the two directions of one session. */
export class Liveness {
  private lastHeard = performance.now();
  private lastSent = performance.now();
  private lastBeat = performance.now();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: LivenessOptions) {}

  start(): void {
    this.timer = setInterval(() => this.beat(), this.options.interval);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  heard(): void {
    this.lastHeard = performance.now();
  }

  sent(): void {
    this.lastSent = performance.now();
  }

  private beat(): void {
    const { interval, timeout, onDead, onQuiet } = this.options;
    const now = performance.now();
    const heldUp = now - this.lastBeat > 2 * interval;
    this.lastBeat = now;
    // What the other side has said may be waiting unread when this process itself was held up.
    if (!heldUp && now - this.lastHeard > timeout) {
      onDead();
    } else if (now - this.lastSent > interval / 2) {
      onQuiet();
    }
  }
}
