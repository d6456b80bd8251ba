import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParcelPacket } from '../../../lib/client/parcel-packet.js';
import { assertUnsigned, Signing } from '../../../lib/client/signing.js';
import { Secret } from '../../../lib/options/secret.js';
import { RequestSignatures } from '../../../lib/security/request-signature.js';
import { takeSignature } from '../../../lib/security/signature-metadata.js';
import { PacketKind } from '../../../lib/wire/packet.js';
import { encodePayload } from '../../../lib/wire/payload-codec.js';
import { refusalOf } from '../../support/refusal.js';

const NOW = 1_750_000_000_000;
const key = new Secret(Buffer.alloc(32, 1));
const name = 'press-7';

function packetOf(data: unknown, { metadata = '', kind = PacketKind.Request as PacketKind } = {}): ParcelPacket {
  const id = kind === PacketKind.Request ? 7 : 0;
  const packet = new ParcelPacket(kind, id, encodePayload(data, 'json'));
  return Object.assign(packet, { pattern: 'größe', metadata, timeoutMs: 500 });
}

/** What a server finds out about a packet that it has got from this client. */
function verdictOn({ kind, id, timeoutMs, pattern, metadata, payload }: ParcelPacket, serverId: string) {
  const { base = '', token = '' } = takeSignature(metadata) ?? {};
  const { body = '', encoding } = payload;
  const fields = { kind, id, timeoutMs, pattern, encoding, serverId, metadata: base };
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const signatures = new RequestSignatures({ keysOf: () => [key], now: () => NOW });
  return { base, ...signatures.verify(token, { ...fields, payload: bytes }) };
}

describe('Signing', () => {
  it.each([
    ['JSON', { text: 'größer' }, '{"a":"ü"}'],
    ['bytes', Buffer.from([0, 255]), ''],
    ['no payload', undefined, '{"a":"b"}'],
  ])('signs what its server can verify: %s', (_what, data, metadata) => {
    const signing = new Signing({ name, key }, () => NOW);
    const packet = packetOf(data, { metadata });
    signing.reserve(packet);
    signing.sign(packet, 'server-1');
    expect(verdictOn(packet, 'server-1')).toEqual({ base: metadata, ok: true, name });
    expect(verdictOn(packet, 'server-2').ok).toBe(false);
  });

  it('signs events as well', () => {
    const signing = new Signing({ name, key }, () => NOW);
    const packet = packetOf(1, { kind: PacketKind.Event });
    signing.reserve(packet);
    signing.sign(packet, 'server-1');
    expect(verdictOn(packet, 'server-1').ok).toBe(true);
  });

  it('signs anew, for another server or at another time', () => {
    let now = NOW - 60_000;
    const signing = new Signing({ name, key }, () => now);
    const packet = packetOf(1, { metadata: '{"a":"b"}' });
    signing.reserve(packet);
    signing.sign(packet, 'server-1');
    const before = packet.metadata;
    now = NOW;
    signing.sign(packet, 'server-2');
    expect(packet.metadata).not.toBe(before);
    expect(verdictOn(packet, 'server-2')).toEqual({ base: '{"a":"b"}', ok: true, name });
  });

  it('signs the bytes as they are when the packet leaves', () => {
    const bytes = Buffer.from('one');
    const signing = new Signing({ name, key }, () => NOW);
    const packet = packetOf(bytes);
    signing.reserve(packet);
    bytes.write('two');
    signing.sign(packet, 'server-1');
    expect(verdictOn(packet, 'server-1').ok).toBe(true);
  });

  it('keeps the size and the charge that a packet has been given room for, even if the clock had lost its date', () => {
    let now = 1_000;
    const signing = new Signing({ name, key }, () => now);
    const packet = packetOf(1);
    signing.reserve(packet);
    const { charge, metadata } = packet;
    signing.sign(packet, 'server-1');
    expect(packet.metadata.length).toBeLessThan(metadata.length);
    now = NOW;
    signing.sign(packet, 'server-1');
    expect([packet.metadata.length, packet.charge]).toEqual([metadata.length, charge]);
  });

  it('sends no signature that was not made for the packet', () => {
    const signing = new Signing({ name, key }, () => NOW);
    const packet = packetOf(1);
    signing.reserve(packet);
    expect(verdictOn(packet, '')).toMatchObject({ ok: false });
  });

  it.each(['[1]', '"text"', 'null'])('refuses metadata to which no signature can be added: %s', metadata => {
    const signing = new Signing({ name, key });
    expect(refusalOf(() => signing.reserve(packetOf(1, { metadata }))).code).toBe('MALFORMED');
  });

  it('leaves alone what is not to be signed', () => {
    const packet = packetOf(1, { metadata: '{"a":"b"}' });
    new Signing({ name, key }).sign(packet, 'server-1');
    expect(packet.metadata).toBe('{"a":"b"}');
  });
});

describe('assertUnsigned', () => {
  it('refuses with a code', () => {
    expect(refusalOf(() => assertUnsigned('{"a":"b","zmq-signature":"x"}')).code).toBe('INVALID_OPTIONS');
  });

  it('refuses the key of signatures, and nothing that only looks like it', () => {
    const text = fc.constantFrom('zmq-signature', '"zmq-signature":', '{"zmq-signature":"x"}', '\\', '"', 'a');
    fc.assert(
      fc.property(fc.dictionary(text, text, { noNullPrototype: true }), metadata => {
        let refused = false;
        try {
          assertUnsigned(JSON.stringify(metadata));
        } catch {
          refused = true;
        }
        expect(refused).toBe(Object.hasOwn(metadata, 'zmq-signature'));
      }),
    );
  });
});
