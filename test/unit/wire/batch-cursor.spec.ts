import { describe, expect, it } from 'vitest';
import { BatchCursor } from '../../../lib/wire/batch-cursor.js';
import { Malformed } from '../../../lib/wire/malformed.js';
import { IncomingPacket, PacketKind, PayloadEncoding } from '../../../lib/wire/packet.js';
import { contentOf, decodeBatch, fromHex, LIMITS } from '../../support/wire.js';

const PING = '0b 00 00000000 00000000';
const EVENT_BODY = '0001 61';

/** One packet with its real length, after the mark. */
function batch(
  kind: number,
  { flags = 0, id = 0, body = '' }: { flags?: number; id?: number; body?: string } = {},
): Buffer {
  const bytes = fromHex(body);
  const header = Buffer.alloc(11);
  header.writeUInt8(0xf5, 0);
  header.writeUInt8(kind, 1);
  header.writeUInt8(flags, 2);
  header.writeUInt32BE(id, 3);
  header.writeUInt32BE(bytes.length, 7);
  return Buffer.concat([header, bytes]);
}

describe('BatchCursor', () => {
  it('yields the packets of a batch one by one, then nothing', () => {
    const cursor = new BatchCursor([fromHex(`f5 ${PING} 08 00 00000007 00000000`)], LIMITS);
    const first = cursor.next();
    const second = cursor.next();
    expect([first, second].map(packet => (packet as IncomingPacket).kind)).toEqual([
      PacketKind.Ping,
      PacketKind.Cancel,
    ]);
    expect((second as IncomingPacket).id).toBe(7);
    expect(cursor.next()).toBeUndefined();
    expect(cursor.next()).toBeUndefined();
  });

  it('decodes every field of a request', () => {
    const body = `00007530 0010 0004 6563686f 0009 ${Buffer.from('{"a":"b"}').toString('hex')} 7b7d`;
    const [packet] = decodeBatch([batch(3, { flags: 0x06, id: 0xfffffffe, body })]);
    expect(contentOf(packet as IncomingPacket)).toMatchObject({
      id: 0xfffffffe,
      timeoutMs: 30_000,
      window: 16,
      pattern: 'echo',
      metadata: '{"a":"b"}',
      encoding: PayloadEncoding.Json,
      payload: '7b7d',
    });
  });

  it('takes the second frame as the payload of the packet that is flagged so', () => {
    const [packet] = decodeBatch([batch(5, { flags: 0x19, id: 1 }), Buffer.from('big')]);
    expect(contentOf(packet as IncomingPacket)).toMatchObject({
      last: true,
      payload: Buffer.from('big').toString('hex'),
    });
  });

  it('does not copy the payload', () => {
    const frame = batch(5, { flags: 0x01, id: 1, body: '616263' });
    const [packet] = decodeBatch([frame]);
    expect((packet as IncomingPacket).payload.buffer).toBe(frame.buffer);
  });

  it('accepts U+FFFD in a pattern when it was sent as such', () => {
    const [packet] = decodeBatch([batch(4, { body: '0003 efbfbd' })]);
    expect((packet as IncomingPacket).pattern).toBe('\ufffd');
  });

  it('yields what comes before the fault, then the fault, then nothing', () => {
    const decoded = decodeBatch([fromHex(`f5 ${PING} ff 00 00000000 00000000 ${PING}`)]);
    expect(decoded).toHaveLength(2);
    expect(decoded[1]).toEqual(new Malformed('unknown kind of packet'));
  });

  it('leaves a payload above maxMessageSize to its caller', () => {
    const [packet] = decodeBatch([batch(5, { flags: 1, id: 1, body: '00'.repeat(65) })], {
      ...LIMITS,
      maxMessageSize: 64,
    });
    expect(packet).toBeInstanceOf(IncomingPacket);
  });

  it('A18: refuses a batch of more packets than maxBatchPackets, after having yielded that many', () => {
    const bomb = fromHex(`f5 ${PING.repeat(11)}`);
    const decoded = decodeBatch([bomb], { ...LIMITS, maxBatchPackets: 10 });
    expect(decoded).toHaveLength(11);
    expect(decoded.at(-1)).toEqual(new Malformed('too many packets in a batch', undefined, 'batch-too-large'));
    expect(decodeBatch([fromHex(`f5 ${PING.repeat(10)}`)], { ...LIMITS, maxBatchPackets: 10 })).toHaveLength(10);
  });

  it('A19: refuses a pattern above maxPatternLength, in bytes, and tells which request it was', () => {
    const limits = { ...LIMITS, maxPatternLength: 3 };
    const request = (pattern: string) => batch(3, { id: 9, body: `00000000 0000 ${pattern}` });
    expect(decodeBatch([request('0004 61616161')], limits)).toEqual([new Malformed('pattern too long', 9)]);
    expect(decodeBatch([request('0003 616161')], limits)[0]).toBeInstanceOf(IncomingPacket);
  });

  it('refuses metadata above maxMetadataSize', () => {
    const body = `${EVENT_BODY} 0004 7b20207d`;
    expect(decodeBatch([batch(4, { flags: 4, body })], { ...LIMITS, maxMetadataSize: 3 })).toEqual([
      new Malformed('metadata too large'),
    ]);
  });

  it.each([
    ['no frame', []],
    ['an empty frame', ['']],
    ['a mark without packets', ['f5']],
    ['another version', ['f6' + PING]],
    ['three frames', [`f5${PING}`, '', '']],
    ['a truncated header', [`f5${PING.slice(0, -2)}`]],
    ['a body beyond the frame', ['f5 04 00 00000000 00000004 000161']],
    ['a second frame that nothing announces', [`f5${PING}`, '00']],
    ['trailing bytes', [`f5${PING} 00`]],
  ])('refuses %s', (_, frames) => {
    const decoded = decodeBatch(frames.map(fromHex));
    expect(decoded.at(-1)).toBeInstanceOf(Malformed);
  });

  it.each([
    ['kind 0', batch(0)],
    ['the reserved kind 10', batch(10, { id: 1 })],
    ['a kind of the future', batch(14)],
    ['unknown flags', batch(11, { flags: 0x20 })],
    ['a flag that the kind does not have', batch(8, { id: 1, flags: 0x08 })],
    ['metadata on a response', batch(5, { id: 1, flags: 0x04, body: '0000' })],
    ['request id 0', batch(3, { body: `00000000 0000 ${EVENT_BODY}` })],
    ['response id 0', batch(5)],
    ['cancel id 0', batch(8)],
    ['an event with an id', batch(4, { id: 1, body: EVENT_BODY })],
    ['hello with an id', batch(1, { id: 1, flags: 2, body: '7b7d' })],
    ['hello that is not JSON', batch(1, { flags: 1, body: '7b7d' })],
    ['an error without object', batch(7, { id: 1 })],
    ['a body where none belongs', batch(6, { id: 1, body: '00' })],
    ['credit without amount', batch(9, { id: 1 })],
    ['credit of 0', batch(9, { id: 1, body: '00000000' })],
    ['credit of 5 bytes', batch(9, { id: 1, body: '0000000100' })],
    ['a request of 7 bytes', batch(3, { id: 1, body: '00000000000000' })],
    ['an event of 1 byte', batch(4, { body: '00' })],
    ['an empty pattern', batch(4, { body: '0000' })],
    ['a pattern beyond the body', batch(4, { body: '0002 61' })],
    ['a pattern that is not UTF-8', batch(4, { body: '0002 c328' })],
    ['a pattern in overlong UTF-8', batch(4, { body: '0002 c19f' })],
    ['announced metadata that is not there', batch(4, { flags: 4, body: EVENT_BODY })],
    ['metadata beyond the body', batch(4, { flags: 4, body: `${EVENT_BODY} 0003 7b7d` })],
    ['payload bytes without an encoding', batch(4, { body: `${EVENT_BODY} 00` })],
    ['a detached payload without its frame', batch(4, { flags: 0x11, body: EVENT_BODY })],
  ])('refuses %s', (_, frame) => {
    expect(decodeBatch([frame])).toEqual([expect.any(Malformed)]);
  });

  it('refuses a detached payload with a second part in the body, or without an encoding', () => {
    for (const frame of [
      batch(4, { flags: 0x11, body: `${EVENT_BODY} 00` }),
      batch(4, { flags: 0x10, body: EVENT_BODY }),
    ]) {
      expect(decodeBatch([frame, Buffer.from('x')])).toEqual([expect.any(Malformed)]);
    }
  });

  it('does not read a pattern or metadata out of the next packet', () => {
    for (const [flags, body] of [
      [0x02, '000f 61'],
      [0x06, `${EVENT_BODY} 0002`],
      [0x06, EVENT_BODY],
    ] as const) {
      const frame = Buffer.concat([batch(4, { flags, body }), fromHex(PING.repeat(3))]);
      expect(decodeBatch([frame])).toEqual([new Malformed('truncated packet body')]);
    }
  });

  it('refuses a detached payload of any packet but the last', () => {
    const frame = Buffer.concat([batch(4, { flags: 0x11, body: EVENT_BODY }), fromHex(PING)]);
    expect(decodeBatch([frame, Buffer.from('x')])).toEqual([expect.any(Malformed)]);
  });
});
