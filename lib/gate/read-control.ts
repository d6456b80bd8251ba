import type { Socket } from 'node:net';
import type { Address } from './addresses.js';
import { smallReadBuffer, type ReadTarget } from './socket-reader.js';
import type { Turns, Worker } from './turns.js';

/** Why nothing is read for now. */
export const Block = {
  /** The application takes nothing. */
  Host: 1,
  /** It is the turn of others. */
  Turn: 2,
  /** The peer has sent faster than it may. */
  Rate: 4,
  /** The application holds too much of it already. */
  Share: 8,
  /** There is no room for its message yet. */
  Leave: 16,
  /** The server works off what it has read of the peer already. */
  Work: 64,
  /** It is being decided whether the peer is let in. */
  Verdict: 128,
  Ended: 32,
} as const;
export type Block = (typeof Block)[keyof typeof Block];

/** What the peer cannot be blamed for, */
const NOT_ITS_FAULT = Block.Host | Block.Turn | Block.Share | Block.Work | Block.Verdict;
/** and what it, or others of its address, have brought upon it. */
const THROTTLED = Block.Rate;

/** Bytes that were read while they could not be worked off, in all connections. */
export interface StashTotal {
  bytes: number;
  /** Above it, reads are small. */
  readonly limit: number;
}

export interface ByteConsumer {
  /** Whether it has brought a message yet. */
  readonly hasDelivered: boolean;
  /** Where the next bytes go directly, if anywhere. */
  readonly room: Buffer | undefined;
  /** Works off `chunk[at..end]` and returns how far it came. */
  consume(chunk: Buffer, at: number, end: number): number;
  /** So many bytes have been read into `room`. */
  filled(count: number): void;
  /** Delivers what is complete already. */
  deliver(): void;
  /** Bytes are kept outside of messages from now on, or no longer. */
  stashed(change: number): void;
  /** All that was read has been worked off, or has to wait. */
  rest(): void;
}

export interface ReadControlOptions {
  readonly address: Address;
  readonly turns: Turns;
  readonly stashes: StashTotal;
  readonly consumer: ByteConsumer;
}

/** Decides when a connection is read and when what was read is worked off. */
export class ReadControl implements ReadTarget, Worker {
  readonly address: Address;
  private socket: Socket | undefined;
  private blocks = 0;
  private stash: Buffer | undefined = undefined;
  private stashBytes = 0;
  private isDraining = false;

  constructor(private readonly options: ReadControlOptions) {
    this.address = options.address;
  }

  attach(socket: Socket): void {
    this.socket = socket;
  }

  get isBlocked(): boolean {
    return this.blocks !== 0;
  }

  /** Whether the peer is to blame if nothing comes of it. */
  get isAttentive(): boolean {
    return (this.blocks & NOT_ITS_FAULT) === 0;
  }

  /** Whether it goes on slowly because too much came from its address. */
  get isThrottled(): boolean {
    return (this.blocks & THROTTLED) !== 0;
  }

  get hasStash(): boolean {
    return this.stash !== undefined;
  }

  get room(): Buffer | undefined {
    const { consumer, stashes } = this.options;
    // What comes next belongs behind the stash, and the stash may complete the body that has room now.
    return (
      (this.stash === undefined ? consumer.room : undefined) ??
      (stashes.bytes > stashes.limit || !consumer.hasDelivered ? smallReadBuffer : undefined)
    );
  }

  read(buffer: Buffer, length: number): boolean {
    const at = this.workOff(buffer, 0, length);
    if (at < length && !this.has(Block.Ended)) {
      this.keep(buffer, at, length);
    }
    return this.blocks === 0 || this.isDraining;
  }

  filled(count: number): boolean {
    const { consumer } = this.options;
    if (this.has(Block.Ended)) {
      // Node was given the room before.
      return this.isDraining;
    }
    consumer.filled(count);
    consumer.rest();
    return this.blocks === 0;
  }

  has(reason: Block): boolean {
    return (this.blocks & reason) !== 0;
  }

  block(reason: Block): void {
    this.blocks |= reason;
    if (reason === Block.Ended) {
      this.options.turns.remove(this);
      this.dropStash();
    }
  }

  unblock(reason: Block): void {
    if (!this.has(reason)) {
      return;
    }
    this.blocks &= ~reason;
    if (this.blocks === 0) {
      this.waitForTurn();
    }
  }

  /** Nothing that comes is of use any more, but the peer's end is to be seen, and unread bytes would make it a reset. */
  drain(): void {
    this.block(Block.Ended);
    this.isDraining = true;
    this.socket?.resume();
  }

  /** Lets others have their turn, behind the message at hand. */
  giveWay(): void {
    if (this.blocks === 0) {
      this.waitForTurn();
    }
  }

  /** It is this connection's turn. */
  work(): void {
    this.blocks &= ~Block.Turn;
    if (this.blocks !== 0) {
      return;
    }
    this.options.consumer.deliver();
    const { stash } = this;
    if (stash !== undefined && this.blocks === 0) {
      const at = this.workOff(stash, 0, stash.length);
      if (this.has(Block.Ended)) {
        return;
      }
      if (at < stash.length) {
        this.stash = stash.subarray(at);
      } else {
        this.dropStash();
      }
    }
    if (this.blocks === 0) {
      this.socket?.resume();
    }
    this.options.consumer.rest();
  }

  private workOff(buffer: Buffer, at: number, end: number): number {
    const { turns, consumer } = this.options;
    if (this.blocks !== 0) {
      return at;
    }
    if (!turns.begin(this.address)) {
      this.waitForTurn();
      return at;
    }
    const position = consumer.consume(buffer, at, end);
    turns.end(this.address);
    if (position < end && this.blocks === 0) {
      this.waitForTurn();
    }
    consumer.rest();
    return position;
  }

  private waitForTurn(): void {
    this.blocks |= Block.Turn;
    this.options.turns.add(this);
  }

  private keep(buffer: Buffer, at: number, end: number): void {
    const kept = Buffer.allocUnsafeSlow((this.stash?.length ?? 0) + end - at);
    this.stash?.copy(kept);
    buffer.copy(kept, kept.length - (end - at), at, end);
    this.stash = kept;
    this.count(kept.length - this.stashBytes);
  }

  private dropStash(): void {
    this.stash = undefined;
    this.count(-this.stashBytes);
  }

  private count(change: number): void {
    if (change !== 0) {
      this.stashBytes += change;
      this.options.stashes.bytes += change;
      this.options.consumer.stashed(change);
    }
  }
}
