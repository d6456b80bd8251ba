import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../lib/zmtp/frame-header.js';
import { FrameReader } from '../../../lib/zmtp/frame-reader.js';
import { fromHex } from '../../support/wire.js';
import { readChunks, RecordingSink, type FrameRules } from '../../support/zmtp.js';

function openReader(rules: FrameRules = {}): { reader: FrameReader; sink: RecordingSink } {
  const sink = new RecordingSink(rules);
  return { reader: new FrameReader(sink), sink };
}

/** Gives all of the bytes to the reader at once. */
function feed(reader: FrameReader, hex: string): number {
  const chunk = fromHex(hex);
  return reader.read(chunk, 0, chunk.length);
}

describe('FrameReader', () => {
  it('tells the length of a frame before anything of its body is kept', () => {
    const { reader, sink } = openReader({ maxBytes: 10 });
    feed(reader, '02 0000000000001000');
    expect(sink.begun).toEqual([{ flags: 0x02, length: 4096, present: 0 }]);
    expect(sink.events).toEqual([{ stoppedAt: 4096 }]);
    expect(reader.room).toBeUndefined();
  });

  it('tells how much of a body is at hand', () => {
    const { reader, sink } = openReader();
    feed(reader, '00 03 6162');
    feed(reader, '63 00 02 6465 00 00');
    expect(sink.begun.map(({ length, present }) => [length, present])).toEqual([
      [3, 2],
      [2, 2],
      [0, 0],
    ]);
  });

  it('accepts a long length for a short body', () => {
    expect(readChunks([fromHex('02 0000000000000001 61')]).events).toEqual([{ flags: 0x02, body: 'a' }]);
  });

  it.each(['05', '07', '08', '10', '20', '40', '80', 'ff'])('refuses the flags %s with their own byte', flags => {
    expect(readChunks([fromHex(flags)]).events).toEqual([{ refused: 'bad-flags' }]);
    expect(readChunks([fromHex(`${flags} 00`)]).events).toEqual([{ refused: 'bad-flags' }]);
  });

  it('refuses lengths that no number holds, and lets the sink judge the greatest that one does', () => {
    for (const length of ['0020000000000000', '7fffffffffffffff', 'ffffffffffffffff']) {
      expect(readChunks([fromHex(`02 ${length}`)]).events).toEqual([{ refused: 'bad-length' }]);
    }
    expect(readChunks([fromHex('02 001fffffffffffff')]).events).toEqual([{ stoppedAt: Number.MAX_SAFE_INTEGER }]);
  });

  it('reads nothing more once it has refused, was told to stop or was ended', () => {
    for (const { reader, sink, first } of [
      { ...openReader(), first: '08' },
      { ...openReader({ maxBytes: 1 }), first: '00 02' },
    ]) {
      feed(reader, first);
      expect(feed(reader, '00 00 00 00')).toBe(0);
      expect(sink.count).toBe(1);
    }
    const { reader, sink } = openReader();
    reader.end();
    expect(feed(reader, '00 01 61')).toBe(0);
    expect(sink.count).toBe(0);
  });

  it('stops behind the frame that the sink does not want to be followed, and goes on later', () => {
    const { reader, sink } = openReader({ goesOn: false });
    const chunk = fromHex('00 01 61 00 01 62');
    expect(reader.read(chunk, 0, chunk.length)).toBe(3);
    expect(sink.events).toEqual([{ flags: 0, body: 'a' }]);
    expect(reader.read(chunk, 3, chunk.length)).toBe(6);
    expect(sink.count).toBe(2);
  });

  it('holds a frame that has to wait, without taking a byte of its body', () => {
    for (const [afterWait, event] of [
      ['read', { flags: 0, body: 'ab' }],
      ['skip', { flags: 0, skipped: 2 }],
    ] as const) {
      const { reader, sink } = openReader({ verdict: () => 'wait' });
      const chunk = fromHex('00 02 6162');
      expect(reader.read(chunk, 0, 4)).toBe(2);
      expect([reader.isWaiting, reader.read(chunk, 2, 4)]).toEqual([true, 2]);
      reader.proceed(afterWait);
      expect([reader.isWaiting, reader.read(chunk, 2, 4)]).toEqual([false, 4]);
      expect(sink.events).toEqual([event]);
    }
  });

  it('passes over the body of a frame that is skipped and reads the next one', () => {
    const rules: FrameRules = { verdict: (_flags, length) => (length > 2 ? 'skip' : 'read') };
    expect(readChunks([fromHex('01 03 616263 00 01 64')], rules).events).toEqual([
      { flags: 1, skipped: 3 },
      { flags: 0, body: 'd' },
    ]);
  });

  it('knows whether it is within a frame', () => {
    const { reader } = openReader();
    const states = ['00', '02', '61', '62', '02', '00000000000000', '00'].map(hex => {
      feed(reader, hex);
      return reader.isInFrame;
    });
    expect(states).toEqual([true, true, true, false, true, true, false]);
  });

  it('gives bodies that keep no chunk alive', () => {
    const chunk = Buffer.concat([encodeFrame(0, Buffer.from('small')), encodeFrame(0, Buffer.alloc(20_000, 0x62))]);
    const { reader, sink } = openReader();
    reader.read(chunk, 0, chunk.length);
    chunk.fill(0);
    expect(sink.bodies.map(String)).toEqual(['small', 'b'.repeat(20_000)]);
    expect(sink.bodies.some(body => body.buffer === chunk.buffer)).toBe(false);
  });

  it('gives a small body that came in pieces a buffer of its own size', () => {
    const { sink, reader } = openReader();
    feed(reader, '00 04 6162');
    feed(reader, '6364');
    expect(sink.bodies[0]!.buffer.byteLength).toBe(4);
  });

  it('offers room for a body that lacks much, and none for one that lacks little', () => {
    const { reader, sink } = openReader();
    const frame = encodeFrame(0x01, Buffer.alloc(20_000, 0x63));
    reader.read(frame, 0, 1_009);
    expect(reader.room).toHaveLength(19_000);
    frame.copy(reader.room!, 0, 1_009, 12_009);
    expect(reader.filled(11_000)).toBe(true);
    expect(reader.room).toBeUndefined();
    expect(reader.read(frame, 12_009, frame.length)).toBe(frame.length);
    expect(sink.events).toEqual([{ flags: 0x03, body: 'c'.repeat(20_000) }]);
  });
});
