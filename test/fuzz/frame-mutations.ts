import { encodeFrame, FrameFlag } from '../../lib/zmtp/frame-header.js';
import type { Random } from './random.js';

interface Frame {
  readonly flags: number;
  readonly body: Buffer;
}

/** Where frames may begin: at the start, behind what tells a target how to proceed, and behind a greeting there. */
const STARTS = [0, 1, 2, 64, 65, 66];

/** Changes an input whose rest is ZMTP frames, so that it still is: others than these never get deep into a connection. */
export function mutateFrames(data: Buffer, random: Random): Buffer {
  const start = random.pick(STARTS);
  const { frames, rest } = framesOf(data.subarray(start));
  if (frames.length === 0) {
    return data;
  }
  const at = random.below(frames.length);
  const frame = frames[at] as Frame;
  switch (random.below(6)) {
    case 0:
      frames.splice(at, 1);
      break;
    case 1:
      frames.splice(at, 0, ...Array.from({ length: random.pick([1, 3, 30]) }, () => frame));
      break;
    case 2:
      frames.splice(random.below(frames.length), 0, ...frames.splice(at, 1));
      break;
    case 3:
      frames[at] = { ...frame, flags: random.pick([0, FrameFlag.More, FrameFlag.Command, 0x08, 0x80]) };
      break;
    case 4:
      frames[at] = { ...frame, body: frame.body.subarray(0, random.below(frame.body.length + 1)) };
      break;
    default:
      frames[at] = { ...frame, body: Buffer.concat([frame.body, Buffer.alloc(random.small(), random.below(256))]) };
  }
  const bytes = frames.map(({ flags, body }) => encodeFrame(flags, body));
  return Buffer.concat([data.subarray(0, start), ...bytes, rest]);
}

function framesOf(bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (at + 2 <= bytes.length && frames.length < 100) {
    const flags = bytes[at]!;
    const isLong = (flags & FrameFlag.Long) !== 0;
    const start = at + (isLong ? 9 : 2);
    if (flags > 7 || start > bytes.length) {
      break;
    }
    const length = isLong ? Number(bytes.readBigUInt64BE(at + 1)) : bytes[at + 1]!;
    if (start + length > bytes.length) {
      break;
    }
    frames.push({ flags: flags & ~FrameFlag.Long, body: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return { frames, rest: bytes.subarray(at) };
}
