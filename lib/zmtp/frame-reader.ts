import { smallBuffer } from '../limits/small-buffer.js';
import { FrameFlag, MAX_FRAME_HEADER_BYTES } from './frame-header.js';
import { ZmtpRefusal, type ZmtpRefusalCode } from './refusal.js';

/** What becomes of a frame whose header has been read: `wait` holds it until {@link FrameReader.proceed} is called. */
export type FrameVerdict = 'read' | 'skip' | 'wait' | 'stop';

export interface FrameSink {
  /**
   * The header of a frame has been read, and nothing of its body kept. `present` of its `length` bytes are at hand: a
   * frame of which all are costs no memory before it is whole.
   */
  begin(flags: number, length: number, present: number): FrameVerdict;
  /** A whole frame. `false` stops reading behind it for now. The body is the receiver's to keep. */
  frame(flags: number, body: Buffer): boolean;
  /** The end of a frame that was skipped; `false` as above. */
  skipped(flags: number): boolean;
  /** The bytes are no frame; nothing more is read. */
  refuse(refusal: ZmtpRefusal): void;
}

/** Where the buffers of bodies come from that are not read in one go, and go back to if they are not completed. */
export interface BodyBuffers {
  take(length: number): Buffer;
  give(body: Buffer): void;
}

const UNPOOLED: BodyBuffers = { take: length => Buffer.allocUnsafeSlow(length), give: () => undefined };

type Phase = 'header' | 'waiting' | 'body' | 'skip' | 'ended';

const KNOWN_FLAGS = FrameFlag.More | FrameFlag.Long | FrameFlag.Command;
/** Above this a 64-bit length is no safe integer any more. */
const MAX_LENGTH_HIGH = 0x1f_ffff;
const EMPTY = Buffer.alloc(0);
/** Smaller bodies share slabs. */
const MAX_POOLED_BYTES = 2_048;
/** A body that lacks at least this much is worth being read into its own buffer. */
const MIN_DIRECT_BYTES = 8 * 1024;

/**
 * Reads ZMTP 3 frames (RFC 37) from chunks of any size. Small bodies are copied out of the chunk, so that none of them
 * keeps it alive; a large one gets a buffer of its own, which the socket may fill directly (`room`, `filled`).
 */
export class FrameReader {
  private phase: Phase = 'header';
  private readonly header = new Uint8Array(MAX_FRAME_HEADER_BYTES);
  private headerBytes = 0;
  private flags = 0;
  private length = 0;
  private body: Buffer | undefined = undefined;
  /** Bytes of the body that are there, or that have been skipped. */
  private have = 0;

  constructor(
    private readonly sink: FrameSink,
    private readonly buffers: BodyBuffers = UNPOOLED,
  ) {}

  /** Whether some of a frame has been read and the rest is awaited. */
  get isInFrame(): boolean {
    return this.phase !== 'header' || this.headerBytes > 0;
  }

  get isWaiting(): boolean {
    return this.phase === 'waiting';
  }

  /** Where the bytes that come next may be read to directly; `undefined` if they are to be given to `read()`. */
  get room(): Buffer | undefined {
    return this.phase === 'body' && this.length - this.have >= MIN_DIRECT_BYTES
      ? this.body?.subarray(this.have)
      : undefined;
  }

  /** Bytes that are yet to come of the frame at hand, as far as it has been let in. */
  get lacking(): number {
    return this.phase === 'body' ? this.length - this.have : 0;
  }

  /** Reads nothing more and lets go of what it holds. */
  end(): void {
    this.phase = 'ended';
    if (this.body !== undefined) {
      this.buffers.give(this.body);
      this.body = undefined;
    }
  }

  /** Decides on the frame that `begin()` has let wait. */
  proceed(verdict: 'read' | 'skip'): void {
    if (this.phase === 'waiting') {
      this.open(verdict);
    }
  }

  /** `count` bytes have been read into `room`. Gives what `frame()` gave if the body is whole, else `true`. */
  filled(count: number): boolean {
    this.have += count;
    return this.have < this.length || this.finish();
  }

  /** Reads `chunk[at..end]` and returns how far it came: less than `end` only if the sink has stopped it. */
  read(chunk: Buffer, at: number, end: number): number {
    let position = at;
    for (;;) {
      switch (this.phase) {
        case 'header': {
          if (position >= end) {
            return position;
          }
          position =
            this.headerBytes > 0 ? this.completeHeader(chunk, position, end) : this.readHeader(chunk, position, end);
          break;
        }
        case 'body': {
          const step = Math.min(this.length - this.have, end - position);
          if (step === this.length && step <= MAX_POOLED_BYTES) {
            this.body = step === 0 ? EMPTY : smallBuffer(step);
          }
          // What stays incomplete must not pin a slab of the pool for as long as its peer likes.
          this.body ??= this.buffers.take(this.length);
          chunk.copy(this.body, this.have, position, position + step);
          this.have += step;
          position += step;
          if (this.have < this.length || !this.finish()) {
            return position;
          }
          break;
        }
        case 'skip': {
          const step = Math.min(this.length - this.have, end - position);
          this.have += step;
          position += step;
          if (this.have < this.length || !this.finish()) {
            return position;
          }
          break;
        }
        case 'waiting':
        case 'ended':
          return position;
        default:
          this.phase satisfies never;
      }
    }
  }

  private readHeader(chunk: Buffer, at: number, end: number): number {
    const flags = chunk[at] as number;
    const size = (flags & FrameFlag.Long) === 0 ? 2 : MAX_FRAME_HEADER_BYTES;
    if (end - at < size) {
      return this.completeHeader(chunk, at, end);
    }
    this.parse(chunk, at, end - at - size);
    return at + size;
  }

  /** Gathers a header that is spread over chunks. */
  private completeHeader(chunk: Buffer, at: number, end: number): number {
    let position = at;
    while (position < end) {
      this.header[this.headerBytes++] = chunk[position++] as number;
      const size = ((this.header[0] as number) & FrameFlag.Long) === 0 ? 2 : MAX_FRAME_HEADER_BYTES;
      if (this.headerBytes === 1 && !this.checkFlags(this.header[0] as number)) {
        return position;
      }
      if (this.headerBytes === size) {
        this.headerBytes = 0;
        this.parse(this.header, 0, end - position);
        return position;
      }
    }
    return position;
  }

  private parse(source: Uint8Array, at: number, available: number): void {
    const flags = source[at] as number;
    if (!this.checkFlags(flags)) {
      return;
    }
    if ((flags & FrameFlag.Long) === 0) {
      this.length = source[at + 1] as number;
    } else {
      const high = uint32(source, at + 1);
      if (high > MAX_LENGTH_HIGH) {
        this.refuse('bad-length');
        return;
      }
      this.length = high * 2 ** 32 + uint32(source, at + 5);
    }
    this.flags = flags;
    const verdict = this.sink.begin(flags, this.length, Math.min(available, this.length));
    // A sink that has ended the reader meanwhile means it.
    if ((this.phase as Phase) !== 'ended') {
      this.open(verdict);
    }
  }

  private checkFlags(flags: number): boolean {
    // RFC 37: reserved bits are zero, and a command is one frame.
    const isCommandWithMore = (flags & (FrameFlag.Command | FrameFlag.More)) === (FrameFlag.Command | FrameFlag.More);
    if ((flags & ~KNOWN_FLAGS) !== 0 || isCommandWithMore) {
      this.refuse('bad-flags');
      return false;
    }
    return true;
  }

  private open(verdict: FrameVerdict): void {
    this.have = 0;
    switch (verdict) {
      case 'read':
        this.phase = 'body';
        return;
      case 'skip':
        this.phase = 'skip';
        return;
      case 'wait':
        this.phase = 'waiting';
        return;
      case 'stop':
        this.end();
        return;
      default:
        verdict satisfies never;
    }
  }

  private finish(): boolean {
    const { body, phase, flags } = this;
    this.phase = 'header';
    this.body = undefined;
    return phase === 'skip' ? this.sink.skipped(flags) : this.sink.frame(flags, body as Buffer);
  }

  private refuse(code: ZmtpRefusalCode): void {
    this.end();
    this.sink.refuse(new ZmtpRefusal(code));
  }
}

function uint32(source: Uint8Array, at: number): number {
  return (
    (source[at] as number) * 0x100_0000 +
    (((source[at + 1] as number) << 16) | ((source[at + 2] as number) << 8) | (source[at + 3] as number))
  );
}
