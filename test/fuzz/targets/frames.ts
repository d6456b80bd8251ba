import fc from 'fast-check';
import { FrameReader, type FrameSink, type FrameVerdict } from '../../../lib/zmtp/frame-reader.js';
import type { ZmtpRefusal } from '../../../lib/zmtp/refusal.js';
import { encodeFrame, FrameFlag } from '../../../lib/zmtp/frame-header.js';
import { ZMTP_VECTORS } from '../../support/zmtp-vectors.js';
import type { FuzzTarget } from '../fuzz-target.js';

/** Tells bodies apart well enough. */
function sumOf(body: Buffer): number {
  let sum = 0;
  for (const byte of body) {
    sum = (Math.imul(sum, 31) + byte) | 0;
  }
  return sum;
}

/** The more there is, the larger are the pieces, or the time would be that of the pieces. */
const STEP_UP = 1024;
const MAX_BODY = 64 * 1024;

/** Adds up what it is told to one list of numbers, which is cheap to keep and to compare. */
class Summary implements FrameSink {
  readonly told: number[] = [];
  bytes = 0;

  constructor(private readonly how: number) {}

  begin(flags: number, length: number, present: number): FrameVerdict {
    if (present < 0 || present > length) {
      throw new Error('More of a body is at hand than there is');
    }
    this.told.push(flags, length);
    if (length > MAX_BODY) {
      return 'stop';
    }
    return (this.how & 4) !== 0 && (flags ^ length) % 3 === 0 ? 'skip' : (this.how & 8) !== 0 ? 'wait' : 'read';
  }

  frame(flags: number, body: Buffer): boolean {
    this.bytes += body.length;
    this.told.push(flags, body.length, sumOf(body));
    return (this.how & 2) === 0;
  }

  skipped(flags: number): boolean {
    this.told.push(flags, -1);
    return (this.how & 2) === 0;
  }

  refuse({ code }: ZmtpRefusal): void {
    this.told.push(code.length);
  }
}

function read(bytes: Buffer, size: number, how: number): Summary {
  const summary = new Summary(how);
  const reader = new FrameReader(summary);
  for (let at = 0; at < bytes.length; at += size) {
    // Of a chunk nothing may be used once it has been read.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    for (let from = 0; ;) {
      const { room } = reader;
      if ((how & 1) !== 0 && room !== undefined && from < chunk.length) {
        const count = chunk.copy(room, 0, from);
        from += count;
        reader.filled(count);
        continue;
      }
      const told = summary.told.length;
      from = reader.read(chunk, from, chunk.length);
      if (reader.isWaiting) {
        reader.proceed('read');
      } else if (from === chunk.length || told === summary.told.length) {
        break;
      }
    }
    chunk.fill(0xee);
  }
  return summary;
}

/** The first two bytes say how the rest is cut into chunks, and what becomes of frames. */
export function fuzz(data: Buffer): void {
  const [step = 0, how = 0] = data;
  const bytes = data.subarray(2);
  const size = step === 0 ? Math.max(1, bytes.length) : step * Math.ceil(bytes.length / STEP_UP);
  const cut = read(bytes, size, how);
  const whole = read(bytes, Math.max(1, bytes.length), how & ~1);
  if (cut.told.length !== whole.told.length || cut.told.some((value, index) => value !== whole.told[index])) {
    throw new Error('Chunks are read otherwise than the whole');
  }
  if (cut.bytes > bytes.length) {
    throw new Error('More bytes were delivered than were sent');
  }
}

const anyFrame = fc
  .tuple(fc.constantFrom(0, FrameFlag.More, FrameFlag.Command), fc.uint8Array({ maxLength: 400 }))
  .map(([flags, body]) => encodeFrame(flags, body));

export const target: FuzzTarget = {
  fuzz,
  allocation: { base: 2 * 1024 ** 2, factor: 200 },
  maxBytes: 16 * 1024,
  arbitrary: fc
    .tuple(fc.uint8Array({ minLength: 2, maxLength: 2 }), fc.array(anyFrame, { maxLength: 20 }))
    .map(([head, frames]) => Buffer.concat([head, ...frames])),
  seeds: () => [
    ...ZMTP_VECTORS.map(({ bytes, greeting }, index) =>
      Buffer.concat([Buffer.of(index, index), bytes.subarray(greeting === undefined ? 0 : 64)]),
    ),
    Buffer.concat([Buffer.of(0, 1), encodeFrame(0, Buffer.alloc(20_000, 1)), encodeFrame(1, Buffer.alloc(9_000, 2))]),
    Buffer.from([7, 0, 2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ],
};
