import type { ReadPacket } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../../../lib/client/contents.js';
import { ZmqRecordBuilder } from '../../../lib/wire/record.js';
import { refusalOf } from '../../support/refusal.js';

/** What a dispatch hook may have made of a packet, whatever its type says. */
function asPacket(packet: object): ReadPacket {
  return packet as ReadPacket;
}

describe('contentsOf', () => {
  it('writes the metadata of a record, and over them those of a dispatch hook, as JSON', () => {
    const data = new ZmqRecordBuilder(1).setMetadata({ a: 'b', c: 'd' }).setEncoding('msgpack').build();
    const packet = { pattern: 'sum', data, metadata: { c: 'e' } };
    expect(contentsOf(packet, 'sum', 'json')).toEqual({
      route: 'sum',
      data: 1,
      metadata: '{"a":"b","c":"e"}',
      encoding: 'msgpack',
    });
  });

  it('refuses metadata with the key that signatures have, wherever they come from', () => {
    const signature = { 'zmq-signature': 'x' };
    const data = new ZmqRecordBuilder(1).setMetadata(signature).build();
    const refusals = [
      { pattern: 'sum', data },
      { pattern: 'sum', data: 1, metadata: signature },
      { pattern: 'sum', data: 1, metadata: { toJSON: () => signature } },
    ].map(packet => refusalOf(() => contentsOf(asPacket(packet), 'sum', 'json')));
    expect(refusals.map(({ code }) => code)).toEqual(refusals.map(() => 'INVALID_OPTIONS'));
    expect(refusals[0]?.message).toContain('"zmq-signature"');
  });

  it('refuses metadata without a JSON form', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(
      refusalOf(() => contentsOf(asPacket({ pattern: 'sum', data: 1, metadata: circular }), 'sum', 'json')).code,
    ).toBe('MALFORMED');
    expect(
      contentsOf(asPacket({ pattern: 'sum', data: 1, metadata: { toJSON: () => undefined } }), 'sum', 'json').metadata,
    ).toBe('');
  });
});
