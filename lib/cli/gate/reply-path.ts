import type { GateServerSocket } from '../../gate/gate-server-socket.js';
import type { PeerAccount } from '../../limits/peer-account.js';
import type { Holdings } from './holdings.js';

export interface ReplyPathOptions {
  readonly peerId: string;
  readonly gate: Pick<GateServerSocket, 'send'>;
  readonly account: PeerAccount;
  readonly holdings: Holdings;
  /** `mayRead` may have changed. */
  readonly onChange: () => void;
}

interface Reply {
  readonly frames: Buffer[];
  readonly bytes: number;
}

/** Bookkeeping charged with each reply, beside its bytes. */
const REPLY_OVERHEAD = 192;

/** The way back to one peer. It says when the service has to keep the next replies to itself. */
export class ReplyPath {
  /** Of the reply that is being received. */
  private begunBytes = 0;
  /** Replies that were in the same read as one that has to wait. */
  private waiting: Reply[] = [];
  private isSending = false;
  private hasEnded = false;

  constructor(private readonly options: ReplyPathOptions) {}

  get isIdle(): boolean {
    return !this.isSending;
  }

  /** Whether replies should be read. One that was begun is received, since it holds its room until it can be sent. */
  get mayRead(): boolean {
    const { holdings } = this.options;
    return !this.isSending && (this.begunBytes > 0 || this.hasEnded || holdings.mayReadReplies(this.address));
  }

  begun(bytes: number): void {
    if (!this.hasEnded) {
      this.begunBytes += bytes;
      this.hold(bytes);
      // It may have begun in the same read as the end of one before it, at which reading was to stop.
      this.options.onChange();
    }
  }

  send(frames: Buffer[]): void {
    this.endBegun();
    const bytes = frames.reduce((sum, { length }) => sum + length, REPLY_OVERHEAD);
    if (this.isSending) {
      this.hold(bytes);
      this.waiting.push({ frames, bytes });
    } else {
      this.transmit({ frames, bytes });
    }
    this.options.onChange();
  }

  /** Nobody is there any more to take replies. */
  end(): void {
    this.hasEnded = true;
    this.endBegun();
    for (const { bytes } of this.waiting) {
      this.letGo(bytes);
    }
    this.waiting = [];
  }

  private get address(): string {
    return this.options.account.address ?? '';
  }

  private transmit({ frames, bytes }: Reply): void {
    const { gate, peerId, holdings, onChange } = this.options;
    const outcome = gate.send(peerId, frames);
    if (typeof outcome === 'string') {
      return;
    }
    // Charged by the gate meanwhile.
    this.isSending = true;
    holdings.repliesChanged(this.address, bytes);
    void outcome.then(() => {
      this.isSending = false;
      holdings.repliesChanged(this.address, -bytes);
      this.sendWaiting();
      onChange();
    });
  }

  private sendWaiting(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      this.letGo(next.bytes);
      this.transmit(next);
      if (this.isSending) {
        return;
      }
    }
  }

  private endBegun(): void {
    if (this.begunBytes > 0) {
      const bytes = this.begunBytes;
      this.begunBytes = 0;
      this.letGo(bytes);
    }
  }

  private hold(bytes: number): void {
    this.options.holdings.repliesChanged(this.address, bytes);
    this.options.account.charge(bytes);
  }

  private letGo(bytes: number): void {
    this.options.account.release(bytes);
    this.options.holdings.repliesChanged(this.address, -bytes);
  }
}
