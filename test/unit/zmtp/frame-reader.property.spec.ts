import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../lib/zmtp/frame-header.js';
import { GREETING_BYTES } from '../../../lib/zmtp/greeting.js';
import { anyCuts, readChunks, splitAt, type FrameRules, type RecordingSink } from '../../support/zmtp.js';
import { ZMTP_VECTORS } from '../../support/zmtp-vectors.js';

const STREAMS = ZMTP_VECTORS.map(({ name, greeting, bytes }) => ({
  name,
  bytes: bytes.subarray(greeting === undefined ? 0 : GREETING_BYTES),
}));

const anyFlags = fc.constantFrom(0x00, 0x01, 0x04);
const anyLength = fc.oneof(
  { weight: 6, arbitrary: fc.nat(20) },
  { weight: 3, arbitrary: fc.constantFrom(254, 255, 256, 257, 2_047, 2_048, 2_049) },
  { weight: 1, arbitrary: fc.integer({ min: 8_000, max: 40_000 }) },
);
const anyFrame = fc.record({ flags: anyFlags, length: anyLength, seed: fc.nat(255) }).map(({ flags, length, seed }) =>
  encodeFrame(
    flags,
    Uint8Array.from({ length }, (_, index) => (index * 7 + seed) & 0xff),
  ),
);
const anyStream = fc.array(anyFrame, { maxLength: 12 }).map(frames => Buffer.concat(frames));
/** A stream with some of its bytes replaced. */
const anyDamage = fc
  .tuple(anyStream, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }))
  .map(([stream, damages]) => {
    const damaged = Buffer.from(stream);
    for (const [at, byte] of damages) {
      damaged[at % Math.max(1, damaged.length)] = byte;
    }
    return damaged;
  });
const anyBytes = fc.oneof(
  anyStream,
  anyDamage,
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(...STREAMS.map(({ bytes }) => bytes)),
);
const anyRules: fc.Arbitrary<FrameRules> = fc
  .record({
    modulus: fc.integer({ min: 1, max: 4 }),
    other: fc.constantFrom('read' as const, 'skip' as const, 'wait' as const),
    afterWait: fc.constantFrom('read' as const, 'skip' as const),
    goesOn: fc.boolean(),
    direct: fc.boolean(),
  })
  .map(({ modulus, other, ...rules }) => ({
    ...rules,
    // Of the frame alone, so that it is the same however the bytes are split.
    verdict: (flags: number, length: number) => ((flags + length) % modulus === 1 ? other : 'read'),
  }));

/** What a reader is told of the frames. How much of a body is at hand is the one thing that depends on the chunks. */
const toldOf = ({ begun, events }: RecordingSink) => ({
  begun: begun.map(({ flags, length }) => ({ flags, length })),
  events,
});

describe('FrameReader', () => {
  it.each(STREAMS)('reads the same from any split of the bytes of a real socket: $name', ({ bytes }) => {
    const whole = toldOf(readChunks([bytes]));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(toldOf(readChunks(splitAt(bytes, [cut])))).toEqual(whole);
    }
    fc.assert(
      fc.property(anyCuts, anyRules, (cuts, rules) => {
        expect(toldOf(readChunks(splitAt(bytes, cuts)))).toEqual(whole);
        expect(toldOf(readChunks(splitAt(bytes, cuts), rules))).toEqual(toldOf(readChunks([bytes], rules)));
      }),
      { numRuns: 50 },
    );
  });

  it('reads the same from any split of any bytes, with any verdicts, and never throws', () => {
    fc.assert(
      fc.property(anyBytes, anyCuts, anyRules, (bytes, cuts, rules) => {
        expect(toldOf(readChunks(splitAt(bytes, cuts), rules))).toEqual(toldOf(readChunks([bytes], rules)));
      }),
      { numRuns: 500 },
    );
  });

  it('gives back the frames that were written', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyFlags, fc.uint8Array({ maxLength: 600 }))), anyCuts, (frames, cuts) => {
        const stream = Buffer.concat(frames.map(([flags, body]) => encodeFrame(flags, body)));
        const { events } = readChunks(splitAt(stream, cuts));
        expect(events).toEqual(
          frames.map(([flags, body]) => ({
            flags: body.length > 255 ? flags | 0x02 : flags,
            body: Buffer.from(body).toString('latin1'),
          })),
        );
      }),
    );
  });

  it('gives no frame of which a byte is missing', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), anyCuts, (frame, cut, cuts) => {
        const { events } = readChunks(splitAt(frame.subarray(0, cut % frame.length), cuts));
        expect(events).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('never says that more of a body is at hand than there is', () => {
    fc.assert(
      fc.property(anyBytes, anyCuts, (bytes, cuts) => {
        const { begun, bodies } = readChunks(splitAt(bytes, cuts));
        expect(begun.every(({ length, present }) => present >= 0 && present <= length)).toBe(true);
        expect(bodies.every((body, index) => body.length === begun[index]!.length)).toBe(true);
      }),
    );
  });
});
