import { describe, expect, it } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { BatchEncoder } from '../../../lib/wire/batch-encoder.js';
import { OutgoingPacket, PacketKind } from '../../../lib/wire/packet.js';
import { encodePayload } from '../../../lib/wire/payload-codec.js';
import { contentOf, decodeBatch } from '../../support/wire.js';
import type { IncomingPacket } from '../../../lib/wire/packet.js';

const OPTIONS = { maxBytes: 64 * 1024, maxPackets: 1000, detachFrom: 4096 };

function request(data: unknown, pattern = 'echo'): OutgoingPacket {
  return Object.assign(new OutgoingPacket(PacketKind.Request, 1, encodePayload(data, 'json')), { pattern });
}

describe('BatchEncoder', () => {
  // First in this file, while the buffer that all encoders share has its initial size.
  it('grows while it writes a batch', () => {
    const queue = Array.from({ length: 100 }, (_, index) => request(String(index).repeat(1500)));
    const { frames, count } = new BatchEncoder({ ...OPTIONS, maxBytes: 1024 * 1024 }).encode(queue, 0);
    expect(count).toBe(100);
    expect(decodeBatch(frames).map(packet => contentOf(packet as IncomingPacket))).toEqual(queue.map(contentOf));
  });

  it('starts where it is told and stops at maxPackets', () => {
    const queue = [request(0), request(1), request(2), request(3)];
    const batch = new BatchEncoder({ ...OPTIONS, maxPackets: 2 }).encode(queue, 1);
    expect(batch.count).toBe(2);
    expect(decodeBatch(batch.frames).map(packet => (packet as IncomingPacket).payload.toString())).toEqual(['1', '2']);
  });

  it('stops at maxBytes but always takes one packet', () => {
    const queue = [request('x'.repeat(200)), request('y'.repeat(200)), request('z'.repeat(200))];
    expect(new BatchEncoder({ ...OPTIONS, maxBytes: 10 }).encode(queue, 0).count).toBe(1);
    const two = new BatchEncoder({ ...OPTIONS, maxBytes: 600 }).encode(queue, 0);
    expect(two.count).toBe(2);
    expect(two.bytes).toBeLessThanOrEqual(600);
  });

  it('sends a large raw payload as a frame of its own, without a copy, at the end of the batch', () => {
    const bytes = new Uint8Array(5000).fill(7);
    const batch = new BatchEncoder(OPTIONS).encode([request(1), request(bytes), request(2)], 0);
    expect(batch.count).toBe(2);
    expect(batch.frames[1]!.buffer).toBe(bytes.buffer);
    expect(batch.bytes).toBe(batch.frames[0]!.length + 5000);
    expect(decodeBatch(batch.frames)).toHaveLength(2);
  });

  it('copies smaller raw payloads, so that they may change afterwards', () => {
    const bytes = Buffer.from('before');
    const { frames } = new BatchEncoder(OPTIONS).encode([request(bytes)], 0);
    bytes.fill(0);
    expect((decodeBatch(frames)[0] as IncomingPacket).payload.toString()).toBe('before');
  });

  it('gives buffers that the next batch does not touch', () => {
    const encoder = new BatchEncoder(OPTIONS);
    const { frames } = encoder.encode([request('first')], 0);
    const before = Buffer.from(frames[0]!);
    encoder.encode([request('second')], 0);
    expect(frames[0]!.equals(before)).toBe(true);
  });

  it.each([100_000, 1_000_000, 2_000_000])(
    'encodes a JSON payload of %i characters, of one and of three bytes',
    length => {
      for (const character of ['a', '€']) {
        const packet = request(character.repeat(length));
        const batch = new BatchEncoder(OPTIONS).encode([packet, request(1)], 0);
        expect(batch.count).toBe(1);
        expect(batch.bytes).toBe(batch.frames[0]!.length);
        expect(contentOf(decodeBatch(batch.frames)[0] as IncomingPacket)).toEqual(contentOf(packet));
      }
    },
  );

  it('encodes patterns that are not ASCII, and long ones', () => {
    for (const pattern of ['größe', `${'a'.repeat(40)}😀`, 'long.'.repeat(20), `${'long.'.repeat(20)}é`]) {
      const { frames } = new BatchEncoder(OPTIONS).encode([request(1, pattern)], 0);
      expect((decodeBatch(frames)[0] as IncomingPacket).pattern).toBe(pattern);
    }
  });

  it('throws MALFORMED for a pattern that its length field cannot hold', () => {
    const encode = () => new BatchEncoder(OPTIONS).encode([request(1, 'x'.repeat(65_536))], 0);
    expect(encode).toThrow(expect.objectContaining({ code: 'MALFORMED' }) as ZmqException);
  });
});
