import { TokenBucket } from '../limits/token-bucket.js';
import { readCommand } from '../zmtp/command.js';
import { encodePong, readPing } from '../zmtp/commands.js';
import { ZmtpRefusal } from '../zmtp/refusal.js';
import { subscriptionOfCommand } from '../zmtp/subscription.js';

/** Seconds' worth of commands that may come at once, as they do after reading has paused. */
const BURST_SECONDS = 30;

export interface CommandControlOptions {
  /** Commands a second. */
  readonly rate: number;
  readonly now: () => number;
  readonly write: (bytes: Buffer) => void;
}

/** Answers the commands that come after the handshake, and counts those that mean nothing here. */
export class CommandControl {
  private readonly bucket: TokenBucket;

  constructor(private readonly options: CommandControlOptions) {
    const { rate, now } = options;
    this.bucket = new TokenBucket(rate, rate * BURST_SECONDS, now());
  }

  adjust(rate: number): void {
    this.bucket.adjust(rate, rate * BURST_SECONDS, this.options.now());
  }

  /** Takes the body of a command; `'too many'` when they come too fast. */
  take(body: Buffer): 'taken' | 'too many' | ZmtpRefusal {
    const { now, write } = this.options;
    this.bucket.take(1, now());
    if (this.bucket.waitAt(now()) > 0) {
      return 'too many';
    }
    const command = readCommand(body);
    if (command instanceof ZmtpRefusal) {
      return command;
    }
    if (subscriptionOfCommand(command) !== undefined) {
      return new ZmtpRefusal('bad-subscription');
    }
    if (command.name === 'PING') {
      const ping = readPing(command.data);
      if (ping instanceof ZmtpRefusal) {
        return ping;
      }
      write(encodePong(ping.context));
    }
    return command.name === 'READY' ? new ZmtpRefusal('unexpected-command') : 'taken';
  }
}
