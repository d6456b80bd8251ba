import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BatchEncoder } from '../../../lib/wire/batch-encoder.js';
import { decodeJsonMessage, encodeJsonReply, type JsonReply } from '../../../lib/wire/json-mode.js';
import { Malformed } from '../../../lib/wire/malformed.js';
import {
  NO_PAYLOAD,
  OutgoingPacket,
  PacketKind,
  PayloadEncoding,
  type EncodedPayload,
  type IncomingPacket,
} from '../../../lib/wire/packet.js';
import { contentOf, decodeBatch, fromHex, LIMITS } from '../../support/wire.js';

interface DescribedPacket extends Partial<OutgoingPacket> {
  readonly kind: never;
  readonly id: number;
  readonly payload?: never;
}
interface BatchVector {
  readonly name: string;
  readonly frames: string[];
  readonly packets: DescribedPacket[];
}
interface JsonVector {
  readonly name: string;
  readonly message: string;
  readonly items: { readonly malformed?: true; readonly id?: string }[];
}

const KINDS = new Map(Object.entries(PacketKind).map(([name, kind]) => [name.toLowerCase(), kind]));
const ENCODINGS = new Map(Object.entries(PayloadEncoding).map(([name, encoding]) => [name.toLowerCase(), encoding]));

const document = readFileSync(new URL('../../../docs/wire-protocol.md', import.meta.url), 'utf8');
const blocks = Array.from(document.matchAll(/```json\n(.*?)```/gs), ([, text]) => JSON.parse(text ?? '') as object);

function blocksWith<T>(key: string): T[] {
  return blocks.filter(block => key in block) as T[];
}

function encoded(payload: Record<string, string> | undefined): EncodedPayload {
  const [[name, text] = ['none', '']] = Object.entries(payload ?? {});
  if (name === 'none') {
    return NO_PAYLOAD;
  }
  const body = name === 'json' ? text : fromHex(text);
  return { encoding: ENCODINGS.get(name)!, body, maxSize: Buffer.byteLength(body) };
}

function toPacket({ kind, id, payload, ...fields }: DescribedPacket): OutgoingPacket {
  return Object.assign(new OutgoingPacket(KINDS.get(kind)!, id, encoded(payload)), fields);
}

const expectedItem = ({ malformed, ...item }: JsonVector['items'][number]): unknown =>
  malformed ? new Malformed(expect.any(String) as string, item.id) : expect.objectContaining(item);

describe('docs/wire-protocol.md', () => {
  it.each(blocksWith<BatchVector>('packets'))('has right bytes for: $name', ({ frames, packets }) => {
    const bytes = frames.map(fromHex);
    const outgoing = packets.map(toPacket);
    const detachFrom = frames.length > 1 ? 0 : Number.POSITIVE_INFINITY;
    const encoder = new BatchEncoder({ maxBytes: 65_536, maxPackets: 100, detachFrom });
    expect(encoder.encode(outgoing, 0).frames).toEqual(bytes);
    expect(decodeBatch(bytes).map(packet => contentOf(packet as IncomingPacket))).toEqual(outgoing.map(contentOf));
  });

  it.each(blocksWith<{ malformed: BatchVector[] }>('malformed').flatMap(({ malformed }) => malformed))(
    'has a malformed batch: $name',
    ({ frames }) => {
      expect(decodeBatch(frames.map(fromHex)).at(-1)).toBeInstanceOf(Malformed);
    },
  );

  it.each(blocksWith<JsonVector>('items'))('has a JSON message: $name', ({ message, items }) => {
    const expected = items.map(expectedItem);
    expect(decodeJsonMessage(Buffer.from(message), LIMITS)).toEqual(expected);
  });

  it.each(
    blocksWith<{ replies: { reply: JsonReply; message: string }[] }>('replies').flatMap(({ replies }) => replies),
  )('has a JSON reply: $message', ({ reply, message }) => {
    expect(encodeJsonReply(reply)).toBe(message);
  });

  it('has every kind of packet in its vectors', () => {
    const kinds = blocksWith<BatchVector>('packets').flatMap(({ packets }) => packets.map(({ kind }) => kind));
    expect(new Set(kinds)).toEqual(new Set(KINDS.keys()));
  });
});
