import { ZmqException } from '../errors/zmq.exception.js';
import type { HeldBytes } from '../limits/peer-account.js';
import { scheduleFlush } from './flush-scheduler.js';
import type { QueuedPacket } from './queued-packet.js';
import type { SendOutcome } from './server-socket.js';

/** Packets that make a batch worth sending before everything that is ready has run, so that both sides work at once. */
const EARLY_FLUSH_PACKETS = 128;
/** Messages sent in one go to a socket that takes them at once; then the rest of the process has its turn. */
const MAX_MESSAGES_PER_FLUSH = 256;

/** What waits lies on the heap, where as much again is garbage that has not been collected yet. */
const HEAP_FACTOR = 2;

export interface MessageEncoder {
  /** Packets that one message takes at most. */
  readonly maxPackets: number;
  /** Encodes packets of `queue[from..until]` into one message; says how many it took. */
  encode(
    queue: readonly QueuedPacket[],
    from: number,
    until: number,
  ): { readonly frames: Buffer[]; readonly count: number };
}

export interface OutboxOptions {
  readonly encoder: MessageEncoder;
  readonly send: (frames: Buffer[]) => SendOutcome | Promise<SendOutcome>;
  readonly maxPackets: number;
  readonly maxBytes: number;
  /** Charged beside the outbox's own limit. */
  readonly budget?: HeldBytes;
  /** Whether the packet at the head may leave now; it and all behind it wait until the next flush otherwise. */
  readonly admit?: (packet: QueuedPacket) => boolean;
  /** The peer takes no more for now. The owner calls `retry()` later. */
  readonly onFull?: () => void;
  /** A message has been taken. */
  readonly onSent?: () => void;
  /** The peer has left. */
  readonly onGone?: () => void;
}

/**
 * The bounded queue of packets in front of a socket, for one peer. Packets that are ready together leave in one message;
 * an idle socket sends at once.
 */
export class Outbox {
  private queue: QueuedPacket[] = [];
  private head = 0;
  private unsent: { readonly frames: Buffer[]; readonly packets: readonly QueuedPacket[] } | undefined;
  private held = 0;
  private most = 0;
  private sending = false;
  private scheduled = false;
  private flushing = false;
  private closed = false;

  constructor(private readonly options: OutboxOptions) {}

  /** Packets that wait. */
  get length(): number {
    return this.queue.length - this.head + (this.unsent?.packets.length ?? 0);
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.held;
  }

  /** The most bytes that ever waited at a time. */
  get peakBytes(): number {
    return this.most;
  }

  /** Whether nothing waits and nothing is being sent. */
  get idle(): boolean {
    return this.length === 0 && !this.sending;
  }

  /** Whether a packet of this many bytes would still be taken. An empty outbox takes any one packet. */
  hasRoom(bytes: number): boolean {
    const { maxPackets, maxBytes } = this.options;
    return this.held === 0 || (this.held + bytes <= maxBytes && this.length < maxPackets);
  }

  /** Whether twice the limits are reached, which only packets pushed without asking `hasRoom()` can do. */
  get isOverfull(): boolean {
    const { maxPackets, maxBytes } = this.options;
    return this.length > 2 * maxPackets || this.held > 2 * maxBytes;
  }

  /** Queues a packet. The caller has asked `hasRoom()` or accounts for the packet otherwise. */
  push(packet: QueuedPacket): void {
    if (this.closed) {
      packet.settle(leftBehind());
      return;
    }
    this.queue.push(packet);
    this.charge(packet.charge);
    if (this.sending || this.flushing || this.unsent !== undefined) {
      return;
    }
    if (this.queue.length - this.head >= EARLY_FLUSH_PACKETS) {
      this.flush();
    } else {
      this.schedule();
    }
  }

  /** Sends what may leave. Called by the scheduler; call it when `admit` has changed its mind. */
  flush(): void {
    this.scheduled = false;
    if (this.flushing) {
      return;
    }
    this.flushing = true;
    try {
      let messages = 0;
      while (this.canSend && this.sendNext()) {
        if (++messages === MAX_MESSAGES_PER_FLUSH) {
          this.schedule();
          return;
        }
      }
    } finally {
      this.flushing = false;
    }
  }

  /** Tries again to send what the peer did not take. */
  retry(): void {
    if (this.unsent !== undefined && !this.sending && !this.closed) {
      this.transmit(this.unsent);
      this.flush();
    }
  }

  /** Takes back every packet that has not been handed to the socket, oldest first. */
  drain(): QueuedPacket[] {
    const waiting = [...(this.unsent?.packets ?? []), ...this.queue.slice(this.head)];
    this.queue = [];
    this.head = 0;
    this.unsent = undefined;
    for (const packet of waiting) {
      this.release(packet.charge);
    }
    return waiting.filter(({ cancelled }) => !cancelled);
  }

  /** Takes nothing more and fails what waits. Returns how many packets never left. */
  close(): number {
    this.closed = true;
    const left = this.drain();
    for (const packet of left) {
      packet.settle(leftBehind());
    }
    return left.length;
  }

  private get canSend(): boolean {
    return !this.sending && !this.closed && this.unsent === undefined;
  }

  /** Sends one message of what may leave; `false` if there is nothing. */
  private sendNext(): boolean {
    const end = this.skipToAdmitted();
    if (end === this.head) {
      return false;
    }
    const encoded = this.encode(end);
    if (encoded === undefined) {
      return false;
    }
    this.transmit({ frames: encoded.frames, packets: this.take(encoded.count) });
    return true;
  }

  /** Finds the end of the run that may leave in the next message, and drops the cancelled packets in it. */
  private skipToAdmitted(): number {
    const { queue } = this;
    const { admit, encoder } = this.options;
    let end = this.head;
    let at = this.head;
    for (; at < queue.length && end - this.head < encoder.maxPackets; at++) {
      const packet = queue[at] as QueuedPacket;
      if (packet.cancelled) {
        this.release(packet.charge);
      } else if (admit === undefined || admit(packet)) {
        queue[end++] = packet;
      } else {
        break;
      }
    }
    if (at > end) {
      // One move for all of them: many requests tend to be cancelled together.
      queue.copyWithin(end, at);
      queue.length -= at - end;
    }
    return end;
  }

  private encode(end: number): { readonly frames: Buffer[]; readonly count: number } | undefined {
    try {
      return this.options.encoder.encode(this.queue, this.head, end);
    } catch {
      this.replaceUnencodable(end);
      this.schedule();
      return undefined;
    }
  }

  /** One packet that cannot be written must not hold up those behind it. */
  private replaceUnencodable(end: number): void {
    const { encoder } = this.options;
    const kept = this.queue.slice(this.head, end).flatMap(packet => {
      try {
        encoder.encode([packet], 0, 1);
        return [packet];
      } catch {
        this.release(packet.charge);
        const replacement = packet.replacement();
        this.charge(replacement?.charge ?? 0);
        return replacement === undefined ? [] : [replacement];
      }
    });
    this.queue = [...kept, ...this.queue.slice(end)];
    this.head = 0;
  }

  private schedule(): void {
    if (!this.scheduled) {
      this.scheduled = true;
      scheduleFlush(this);
    }
  }

  private take(count: number): readonly QueuedPacket[] {
    const packets = this.queue.slice(this.head, this.head + count);
    this.head += count;
    if (this.head === this.queue.length) {
      this.queue = [];
      this.head = 0;
    } else if (this.head > 1024) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    for (const packet of packets) {
      packet.sent = true;
    }
    return packets;
  }

  private transmit(message: { readonly frames: Buffer[]; readonly packets: readonly QueuedPacket[] }): void {
    this.sending = true;
    this.unsent = undefined;
    const outcome = this.options.send(message.frames);
    if (typeof outcome === 'string') {
      this.settle(message, outcome);
      return;
    }
    void outcome.then(
      settled => this.settle(message, settled),
      () => this.settle(message, 'gone'),
    );
  }

  private settle(
    message: { readonly frames: Buffer[]; readonly packets: readonly QueuedPacket[] },
    outcome: SendOutcome,
  ): void {
    this.sending = false;
    if (this.closed) {
      for (const packet of message.packets) {
        this.release(packet.charge);
        packet.settle(outcome === 'sent' ? undefined : leftBehind());
      }
      return;
    }
    switch (outcome) {
      case 'sent':
        for (const packet of message.packets) {
          this.release(packet.charge);
          packet.settle(undefined);
        }
        this.options.onSent?.();
        if (this.head < this.queue.length && !this.flushing) {
          this.schedule();
        }
        return;
      case 'full':
        this.unsent = message;
        this.options.onFull?.();
        return;
      case 'gone':
      case 'closed':
        this.unsent = message;
        this.options.onGone?.();
        return;
      default:
        outcome satisfies never;
    }
  }

  private charge(bytes: number): void {
    this.held += bytes;
    this.most = Math.max(this.most, this.held);
    this.options.budget?.charge(HEAP_FACTOR * bytes);
  }

  private release(bytes: number): void {
    this.held -= bytes;
    this.options.budget?.release(HEAP_FACTOR * bytes);
  }
}

function leftBehind(): ZmqException {
  return new ZmqException('DISCONNECTED', 'The connection ended before the message was sent.');
}
