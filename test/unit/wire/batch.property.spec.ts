import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchEncoder } from '../../../lib/wire/batch-encoder.js';
import { Malformed } from '../../../lib/wire/malformed.js';
import { IncomingPacket, type OutgoingPacket } from '../../../lib/wire/packet.js';
import { decodeMetadata, decodePayload } from '../../../lib/wire/payload-codec.js';
import { anyPacket, contentOf, decodeBatch, LIMITS } from '../../support/wire.js';

const anyOptions = fc.record({
  maxBytes: fc.integer({ min: 1, max: 2000 }),
  maxPackets: fc.integer({ min: 1, max: 20 }),
  detachFrom: fc.integer({ min: 0, max: 300 }),
});

function encodeAll(queue: readonly OutgoingPacket[], encoder: BatchEncoder): Buffer[][] {
  const messages: Buffer[][] = [];
  for (let from = 0; from < queue.length;) {
    const { frames, count, bytes } = encoder.encode(queue, from);
    expect(count).toBeGreaterThan(0);
    expect(bytes).toBe(frames.reduce((sum, frame) => sum + frame.length, 0));
    messages.push(frames);
    from += count;
  }
  return messages;
}

/** Decodes all the way, as a server would. */
function consume(frames: readonly Buffer[]): (IncomingPacket | Malformed)[] {
  const decoded = decodeBatch(frames, { ...LIMITS, maxBatchPackets: 50 });
  for (const packet of decoded) {
    if (packet instanceof IncomingPacket) {
      decodePayload(packet.encoding, packet.payload, LIMITS);
      if (packet.metadata !== undefined) {
        decodeMetadata(packet.metadata, LIMITS);
      }
    }
  }
  return decoded;
}

describe('Binary batches', () => {
  it('are the same packets after any encoding, however they are batched', () => {
    fc.assert(
      fc.property(fc.array(anyPacket, { minLength: 1, maxLength: 30 }), anyOptions, (queue, options) => {
        const decoded = encodeAll(queue, new BatchEncoder(options)).flatMap(frames => decodeBatch(frames));
        expect(decoded.map(packet => contentOf(packet as IncomingPacket))).toEqual(queue.map(contentOf));
      }),
      { numRuns: 300 },
    );
  });

  it('are packets or Malformed for any bytes, never an exception', () => {
    const anyFrame = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(anyFrame, { maxLength: 3 }),
        (isMarked, [first = new Uint8Array(), ...rest]) => {
          const frames = [
            isMarked ? Buffer.from([0xf5, ...first]) : Buffer.from(first),
            ...rest.map(frame => Buffer.from(frame)),
          ];
          const decoded = consume(frames);
          expect(decoded.length).toBeGreaterThan(0);
          expect(decoded.slice(0, -1).every(packet => packet instanceof IncomingPacket)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are packets or Malformed when a valid batch is damaged anywhere', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(anyPacket, { minLength: 1, maxLength: 5 }),
        anyOptions,
        damage,
        fc.nat(),
        (queue, options, damages, cut) => {
          for (const [first, ...rest] of encodeAll(queue, new BatchEncoder(options))) {
            const frame = Buffer.from(first!);
            for (const [at, byte] of damages) {
              frame[1 + (at % (frame.length - 1))] = byte;
            }
            expect(consume([frame, ...rest]).length).toBeGreaterThan(0);
            const truncated = consume([first!.subarray(0, cut % first!.length), ...rest]);
            expect(truncated.length).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
