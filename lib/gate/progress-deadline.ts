import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';

export interface ProgressDeadlineOptions {
  readonly wheel: DeadlineWheel;
  readonly now: () => number;
  readonly limits: () => { readonly messageTimeout: number; readonly minRate: number };
  readonly onLate: () => void;
}

/** By when a peer must have finished what it has begun: its handshake first, then each message. */
export class ProgressDeadline extends Expiring {
  /** Bytes of the message for which there is time already. */
  private bytes = 0;

  constructor(private readonly options: ProgressDeadlineOptions) {
    super();
  }

  start(ms: number): void {
    this.options.wheel.add(this, ms);
  }

  stop(): void {
    this.options.wheel.remove(this);
  }

  /** A message is under way of which so much has been declared and received. Each frame brings the time that its bytes may take. */
  extend({ declaredBytes, receivedBytes }: { readonly declaredBytes: number; readonly receivedBytes: number }): void {
    const { now, limits } = this.options;
    const { messageTimeout, minRate } = limits();
    const left = this.isPending ? this.expiresAt - now() : messageTimeout;
    const known = this.isPending ? this.bytes : receivedBytes;
    if (!this.isPending || declaredBytes > known) {
      this.bytes = Math.max(known, declaredBytes);
      this.start(left + ((this.bytes - known) / minRate) * 1000);
    }
  }

  override expire(): void {
    this.options.onLate();
  }
}
