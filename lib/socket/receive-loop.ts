import { setImmediate } from 'node:timers/promises';

/** Longest time of receiving without giving timers and other sockets a turn. */
const SLICE_MS = 4;

interface Receiver {
  readonly closed: boolean;
  receive(): Promise<Buffer[]>;
}

/**
 * Delivers messages until the socket closes. zeromq.js resolves `receive()` at once while messages are waiting, and a
 * loop over resolved promises would never let the event loop turn; hence the yield by time.
 */
export class ReceiveLoop {
  /** Out of sight, as in its owners. */
  readonly #socket: Receiver;
  private resumed: Promise<void> | undefined;
  private resolveResumed: (() => void) | undefined;

  constructor(
    socket: Receiver,
    private readonly deliver: (message: Buffer[]) => void,
  ) {
    this.#socket = socket;
  }

  pause(): void {
    this.resumed ??= new Promise(resolve => {
      this.resolveResumed = resolve;
    });
  }

  resume(): void {
    this.resolveResumed?.();
    this.resolveResumed = undefined;
    this.resumed = undefined;
  }

  /** Runs until the socket is closed; rejects when receiving fails for another reason. */
  async run(): Promise<void> {
    let sliceEnd = performance.now() + SLICE_MS;
    while (!this.#socket.closed) {
      if (this.resumed !== undefined) {
        await this.resumed;
        continue;
      }
      let message: Buffer[];
      try {
        message = await this.#socket.receive();
      } catch (error) {
        if (this.#socket.closed) {
          return;
        }
        throw error;
      }
      this.deliver(message);
      await afterReadyWork();
      if (performance.now() > sliceEnd) {
        await setImmediate();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
  }
}

/**
 * Resolves when what the message has set off, and what that has put into outboxes, has been handed to the sockets.
 * Asking for the next message first would keep the answers waiting for as long as that takes.
 */
function afterReadyWork(): Promise<void> {
  return new Promise(resolve => {
    process.nextTick(resolve);
  });
}
