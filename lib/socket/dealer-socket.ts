import { Dealer } from 'zeromq';
import { setImmediate } from 'node:timers/promises';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import type { ClientSocket, ClientSocketListener } from './client-socket.js';
import { ReceiveLoop } from './receive-loop.js';
import type { SendOutcome } from './server-socket.js';
import { zeromqOptions } from './zeromq-options.js';

/** Longer than any socket waits, as each is closed when its connection ends. */
const NEVER_MS = 3_600_000;
/** Longest time for reading what a peer left behind. */
const READ_OUT_MS = 2_000;

export interface DealerSocketOptions {
  readonly endpoint: string;
  readonly maxMessageSize: number;
  readonly socket: ResolvedSocketOptions;
}

/** {@link ClientSocket} on libzmq's DEALER. */
export class DealerSocket implements ClientSocket {
  private readonly dealer: Dealer;
  private readonly loop: ReceiveLoop;
  private listener: ClientSocketListener | undefined;

  constructor(private readonly options: DealerSocketOptions) {
    const { endpoint, maxMessageSize, socket } = options;
    this.dealer = new Dealer({
      ...zeromqOptions(socket, { maxMessageSize, endpoints: [endpoint] }),
      // A reconnected DEALER would send what belongs to a session that is over, so every connection is a socket of its
      // own. Switched off altogether (-1), though, libzmq throws away what has arrived but has not been read.
      reconnectInterval: NEVER_MS,
    });
    this.loop = new ReceiveLoop(this.dealer, message => this.listener?.message(message));
  }

  open(listener: ClientSocketListener): void {
    this.listener = listener;
    void this.observe().catch(() => undefined);
    try {
      this.dealer.connect(this.options.endpoint);
    } catch (error) {
      this.lose(`cannot connect: ${(error as Error).message}`);
      return;
    }
    void this.loop.run().catch((error: unknown) => this.lose(String(error)));
  }

  async send(frames: Buffer[]): Promise<SendOutcome> {
    try {
      await this.dealer.send(frames);
      return 'sent';
    } catch {
      return this.dealer.closed ? 'closed' : 'gone';
    }
  }

  close(linger: number): void {
    this.listener = undefined;
    if (!this.dealer.closed) {
      this.dealer.linger = linger;
      this.dealer.close();
    }
    this.loop.resume();
  }

  unwrap(): Dealer {
    return this.dealer;
  }

  private async observe(): Promise<void> {
    for await (const event of this.dealer.events) {
      switch (event.type) {
        case 'disconnect':
          await this.untilRead();
          this.lose('the connection was closed');
          break;
        case 'close':
          this.lose('the connection was refused or could not be made');
          break;
        case 'handshake:error:other':
        case 'handshake:error:protocol':
        case 'handshake:error:auth':
          this.lose('the handshake failed');
          break;
        default:
      }
    }
  }

  /** What the peer sent before it closed the connection still counts. */
  private async untilRead(): Promise<void> {
    const end = performance.now() + READ_OUT_MS;
    do {
      await setImmediate();
    } while (!this.dealer.closed && this.dealer.readable && performance.now() < end);
  }

  private lose(reason: string): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.lost(reason);
  }
}
