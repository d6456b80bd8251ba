import { FrameFlag } from '../zmtp/frame-header.js';
import { FrameReader, type FrameSink, type FrameVerdict } from '../zmtp/frame-reader.js';
import { ZmtpRefusal } from '../zmtp/refusal.js';

export interface ClientInboundHost {
  /** Bytes of one message. */
  readonly maxMessageBytes: number;
  /** Frames of one message. @defaultValue 8 */
  readonly maxFrames?: number | undefined;
  /** A frame has begun of which not all is there yet, and room is made for so many bytes. */
  begun?(bytes: number): void;
  command(body: Buffer): void;
  message(frames: Buffer[]): void;
  /** The server broke ZMTP or a limit. */
  refused(refusal: ZmtpRefusal): void;
}

/** Frames of one message: a batch and its detached payload are two, and other servers may put a delimiter before them. */
const MAX_FRAMES = 8;
const MAX_COMMAND_BYTES = 512;

/** Puts a server's frames together to messages, and judges each by its header before a byte of it is kept. */
export class ClientInbound implements FrameSink {
  readonly reader = new FrameReader(this);
  private frames: Buffer[] = [];
  private bytes = 0;
  private inHandshake = true;
  private ended = false;

  constructor(private readonly host: ClientInboundHost) {}

  /** From now on messages are taken. */
  handshakeDone(): void {
    this.inHandshake = false;
  }

  /** Reads nothing more and lets go of what it holds. */
  end(): void {
    this.ended = true;
    this.reader.end();
    this.frames = [];
  }

  begin(flags: number, length: number, present: number): FrameVerdict {
    const refusal = (flags & FrameFlag.Command) === 0 ? this.judgeFrame(length) : judgeCommand(length);
    if (refusal === undefined) {
      if (present < length) {
        this.host.begun?.(length);
      }
      return 'read';
    }
    this.host.refused(refusal);
    return 'stop';
  }

  frame(flags: number, body: Buffer): boolean {
    if ((flags & FrameFlag.Command) !== 0) {
      this.host.command(body);
    } else if ((flags & FrameFlag.More) !== 0) {
      this.frames.push(body);
      this.bytes += body.length;
    } else if (this.frames.length === 0) {
      this.host.message([body]);
    } else {
      const { frames } = this;
      this.frames = [];
      this.bytes = 0;
      frames.push(body);
      this.host.message(frames);
    }
    return !this.ended;
  }

  skipped(): boolean {
    return !this.ended;
  }

  refuse(refusal: ZmtpRefusal): void {
    this.host.refused(refusal);
  }

  private judgeFrame(length: number): ZmtpRefusal | undefined {
    if (this.inHandshake) {
      return new ZmtpRefusal('unexpected-frame');
    }
    const { maxMessageBytes, maxFrames = MAX_FRAMES } = this.host;
    if (this.frames.length >= maxFrames) {
      return new ZmtpRefusal('too-many-frames', maxFrames);
    }
    const bytes = this.bytes + length;
    if (bytes > maxMessageBytes) {
      const code = length > maxMessageBytes ? 'frame-too-large' : 'message-too-large';
      return new ZmtpRefusal(code, maxMessageBytes, bytes);
    }
    return undefined;
  }
}

function judgeCommand(length: number): ZmtpRefusal | undefined {
  return length > MAX_COMMAND_BYTES ? new ZmtpRefusal('command-too-large', MAX_COMMAND_BYTES, length) : undefined;
}
