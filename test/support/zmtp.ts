import fc from 'fast-check';
import { FrameReader, type FrameSink, type FrameVerdict } from '../../lib/zmtp/frame-reader.js';
import type { ZmtpRefusal } from '../../lib/zmtp/refusal.js';

/** What a reader told its sink, in a form that can be compared. */
export type FrameEvent =
  | { readonly flags: number; readonly body: string }
  | { readonly flags: number; readonly skipped: number }
  | { readonly refused: string }
  | { readonly stoppedAt: number };

export interface FrameRules {
  /** The verdict on a frame; above `maxBytes` it is always `stop`. */
  readonly verdict?: (flags: number, length: number) => FrameVerdict;
  /** What becomes of frames that were told to wait. */
  readonly afterWait?: 'read' | 'skip';
  /** Whether reading goes on behind a frame at once. */
  readonly goesOn?: boolean;
  /** Whether large bodies are read directly into their buffers, as a socket may. */
  readonly direct?: boolean;
  readonly maxBytes?: number;
}

/** Keeps what it is told. Bodies are turned into text at the end, so that a body that is no copy shows up as damaged. */
export class RecordingSink implements FrameSink {
  readonly begun: { readonly flags: number; readonly length: number; readonly present: number }[] = [];
  readonly bodies: Buffer[] = [];
  refusal: ZmtpRefusal | undefined;
  private readonly log: (() => FrameEvent)[] = [];

  constructor(private readonly rules: FrameRules = {}) {}

  get count(): number {
    return this.log.length;
  }

  get events(): FrameEvent[] {
    return this.log.map(event => event());
  }

  begin(flags: number, length: number, present: number): FrameVerdict {
    this.begun.push({ flags, length, present });
    const { verdict = () => 'read' as const, maxBytes = 64 * 1024 } = this.rules;
    const judged = length > maxBytes ? 'stop' : verdict(flags, length);
    if (judged === 'stop') {
      this.log.push(() => ({ stoppedAt: length }));
    }
    return judged;
  }

  frame(flags: number, body: Buffer): boolean {
    this.bodies.push(body);
    this.log.push(() => ({ flags, body: body.toString('latin1') }));
    return this.rules.goesOn ?? true;
  }

  skipped(flags: number): boolean {
    const { length } = this.begun.at(-1) as { length: number };
    this.log.push(() => ({ flags, skipped: length }));
    return this.rules.goesOn ?? true;
  }

  refuse(refusal: ZmtpRefusal): void {
    this.refusal = refusal;
    this.log.push(() => ({ refused: refusal.code }));
  }
}

/** Feeds a reader the chunks as a connection would, each of them overwritten once it has been read. */
export function readChunks(chunks: readonly Uint8Array[], rules: FrameRules = {}): RecordingSink {
  const sink = new RecordingSink(rules);
  const reader = new FrameReader(sink);
  for (const bytes of chunks) {
    const chunk = Buffer.from(bytes);
    let at = 0;
    for (;;) {
      const { room } = rules.direct === true ? reader : { room: undefined };
      if (room !== undefined && at < chunk.length) {
        const count = chunk.copy(room, 0, at);
        at += count;
        reader.filled(count);
        continue;
      }
      const before = sink.count;
      at = reader.read(chunk, at, chunk.length);
      if (reader.isWaiting) {
        reader.proceed(rules.afterWait ?? 'read');
      } else if (at === chunk.length || sink.count === before) {
        break;
      }
    }
    chunk.fill(0xee);
  }
  return sink;
}

/** The bytes cut at the given places. */
export function splitAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map(cut => cut % (bytes.length + 1)).sort((left, right) => left - right);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

/** Every way to cut, from not at all to after each byte. */
export const anyCuts = fc.oneof(
  fc.array(fc.nat(), { maxLength: 12 }),
  fc.array(fc.nat(40), { maxLength: 12 }),
  fc.constant(Array.from({ length: 600 }, (_, index) => index)),
);
