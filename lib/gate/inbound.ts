import type { ConnectionAccount } from '../limits/ledger.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import { FrameFlag } from '../zmtp/frame-header.js';
import { FrameReader, type BodyBuffers, type FrameSink, type FrameVerdict } from '../zmtp/frame-reader.js';
import type { ZmtpRefusal } from '../zmtp/refusal.js';
import { violationOf } from './refusals.js';

export interface InboundLimits {
  readonly maxFrames: number;
  readonly maxCommandSize: number;
  readonly maxHandshakeSize: number;
}

export interface InboundHost {
  readonly limits: InboundLimits;
  /** Bytes of one message. */
  readonly maxMessageBytes: number;
  readonly account: ConnectionAccount;
  readonly bodies: BodyBuffers;
  /** Whether reading is to stop behind the frame at hand. */
  readonly shouldStop: boolean;
  /** Takes a command; a refusal ends the connection. */
  command(body: Buffer): ZmtpRefusal | undefined;
  message(frames: Buffer[], bytes: number): void;
  /** Whether a message of so many bytes may be delivered; if not, `deliver()` is called later. */
  mayDeliver(bytes: number): boolean;
  /** Whether a message that will have so many bytes at least may begin; if not, the host calls `retry()`. */
  mayBegin(bytes: number): boolean;
  /** So many bytes will be read and not kept. */
  skipping(bytes: number): void;
  /** The frame at hand has to wait for room. */
  waitForLeave(): void;
  /** Books a violation; unless the answer is `discard` the connection is over. */
  violated(kind: ZmqViolationKind, figures: ZmqViolation['figures']): ZmqViolation['action'];
}

/** Bookkeeping charged with each frame that is held, beside its bytes. */
const FRAME_OVERHEAD = 128;

/** Puts the frames of a connection together to messages, and judges each by its header before a byte of it is kept. */
export class Inbound implements FrameSink {
  readonly reader: FrameReader;
  private frames: Buffer[] = [];
  private bytes = 0;
  private reserved = 0;
  private wanted = 0;
  private claim = 0;
  private isDiscarding = false;
  /** A whole message that came while nothing was to be delivered. */
  private ready: { readonly frames: Buffer[]; readonly bytes: number } | undefined = undefined;
  private inHandshake = true;
  private handshakeBytes = 0;

  constructor(private readonly host: InboundHost) {
    this.reader = new FrameReader(this, host.bodies);
  }

  /** Whether a message has been begun that is not complete. */
  get isInMessage(): boolean {
    return this.ready === undefined && (this.frames.length > 0 || this.reader.isInFrame);
  }

  /** Whether room has been reserved for the message at hand. */
  get hasBegun(): boolean {
    return this.reserved > 0;
  }

  /** Bytes of whole frames of the message at hand. */
  get receivedBytes(): number {
    return this.bytes;
  }

  /** And those that are yet to come of the next one. */
  get declaredBytes(): number {
    return this.bytes + this.reader.lacking;
  }

  /** Whether a complete message waits to be delivered. */
  get isReady(): boolean {
    return this.ready !== undefined;
  }

  handshakeDone(): void {
    this.inHandshake = false;
  }

  /** There is room for the frame that waited. */
  granted(): void {
    this.reserved += this.wanted;
    this.reader.proceed('read');
  }

  /** Gives back what was reserved for the frame that waited, which has to wait on, and says how much that is. */
  giveBack(): number {
    this.host.account.releaseReceived(this.wanted);
    return this.wanted;
  }

  /** Delivers the message that had to wait. */
  deliver(): void {
    const { ready } = this;
    if (ready !== undefined && this.host.mayDeliver(ready.bytes)) {
      this.ready = undefined;
      this.complete(ready.frames, ready.bytes);
    }
  }

  /** Accounts for whole frames of a message whose rest has not come yet. */
  rest(): void {
    const unreserved = this.held - this.reserved;
    if (this.frames.length > 0 && unreserved > 0 && !this.reader.isWaiting) {
      this.reserved += unreserved;
      this.host.account.reserveAnyhow(unreserved);
    }
  }

  end(): void {
    this.reader.end();
    this.drop(this.ready?.frames ?? []);
    this.ready = undefined;
    this.drop(this.frames);
    this.frames = [];
  }

  begin(flags: number, length: number, present: number): FrameVerdict {
    if (this.inHandshake || (flags & FrameFlag.Command) !== 0) {
      return this.beginCommand(flags, length);
    }
    if (this.isDiscarding) {
      this.host.skipping(length);
      return 'skip';
    }
    const { maxMessageBytes } = this.host;
    const verdict = this.judge(length);
    if (verdict !== 'read') {
      if (verdict === 'skip') {
        this.host.skipping(length);
      }
      return verdict;
    }
    if (present === length) {
      return 'read';
    }
    this.wanted = this.held - this.reserved + length + FRAME_OVERHEAD;
    this.claim = (flags & FrameFlag.More) === 0 ? 0 : maxMessageBytes - this.bytes - length;
    // Once begun it may be completed: what waits in the middle keeps others waiting.
    if (!this.hasBegun && !this.host.mayBegin(this.wanted + this.claim)) {
      return 'wait';
    }
    return this.admit();
  }

  private judge(length: number): 'read' | 'skip' | 'stop' {
    const { limits, maxMessageBytes } = this.host;
    if (this.frames.length >= limits.maxFrames) {
      return this.violate('too-many-frames', limits.maxFrames, this.frames.length + 1);
    }
    if (this.bytes + length > maxMessageBytes) {
      const kind = length > maxMessageBytes ? 'frame-too-large' : 'message-too-large';
      return this.violate(kind, maxMessageBytes, this.bytes + length);
    }
    return 'read';
  }

  /** Tries again to let in the frame that has waited for its share. */
  retry(): void {
    if (this.reader.isWaiting && this.admit() === 'read') {
      this.reader.proceed('read');
    }
  }

  private admit(): FrameVerdict {
    if (this.host.account.reserve(this.wanted, this.claim)) {
      this.reserved += this.wanted;
      return 'read';
    }
    this.host.waitForLeave();
    return 'wait';
  }

  frame(flags: number, body: Buffer): boolean {
    if (this.inHandshake || (flags & FrameFlag.Command) !== 0) {
      const refusal = this.host.command(body);
      if (refusal !== undefined) {
        this.refuse(refusal);
      }
      return !this.host.shouldStop;
    }
    this.frames.push(body);
    this.bytes += body.length;
    if ((flags & FrameFlag.More) !== 0) {
      return true;
    }
    const { frames, bytes } = this;
    this.frames = [];
    this.bytes = 0;
    if (this.host.shouldStop || !this.host.mayDeliver(bytes)) {
      this.ready = { frames, bytes };
      return false;
    }
    this.complete(frames, bytes);
    return !this.host.shouldStop;
  }

  skipped(flags: number): boolean {
    if ((flags & FrameFlag.More) === 0) {
      this.isDiscarding = false;
    }
    return !this.host.shouldStop;
  }

  refuse({ code, limit, actual }: ZmtpRefusal): void {
    this.reader.end();
    // What cannot be read cannot be skipped either.
    this.host.violated(violationOf(code), {
      ...(limit !== undefined && { limit }),
      ...(actual !== undefined && { actual }),
    });
  }

  /** What the frames at hand are charged with. */
  private get held(): number {
    return this.bytes + this.frames.length * FRAME_OVERHEAD;
  }

  private drop(frames: readonly Buffer[]): void {
    for (const frame of frames) {
      this.host.bodies.give(frame);
    }
  }

  private complete(frames: Buffer[], bytes: number): void {
    if (this.reserved > 0) {
      const { reserved } = this;
      this.reserved = 0;
      this.host.account.completed(reserved);
    }
    this.host.message(frames, bytes);
  }

  private beginCommand(flags: number, length: number): FrameVerdict {
    const { maxHandshakeSize, maxCommandSize } = this.host.limits;
    if (!this.inHandshake) {
      return length <= maxCommandSize ? 'read' : this.violate('command-too-large', maxCommandSize, length);
    }
    this.handshakeBytes += length;
    if ((flags & FrameFlag.Command) === 0) {
      return this.violate('handshake');
    }
    return this.handshakeBytes <= maxHandshakeSize
      ? 'read'
      : this.violate('handshake', maxHandshakeSize, this.handshakeBytes);
  }

  private violate(kind: ZmqViolationKind, limit?: number, actual?: number): 'skip' | 'stop' {
    const figures = limit === undefined || actual === undefined ? {} : { limit, actual };
    if (this.host.violated(kind, figures) !== 'discard') {
      return 'stop';
    }
    this.isDiscarding = true;
    this.drop(this.frames);
    this.frames = [];
    this.bytes = 0;
    if (this.reserved > 0) {
      this.host.account.releaseReceived(this.reserved);
      this.reserved = 0;
    }
    return 'skip';
  }
}
