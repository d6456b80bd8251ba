import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OutgoingPacket, PacketKind, type IncomingPacket } from '../../lib/wire/packet.js';
import { encodePayload } from '../../lib/wire/payload-codec.js';
import { batchOf, controlPacket, RawServer, WELCOME } from '../support/raw-peer.js';
import { connectClient } from '../support/zmq-app.js';

/** A server that announces these sizes, answers every request, and keeps what comes. */
async function announcing(maxSizes: unknown): Promise<{ endpoint: string; received: IncomingPacket[] }> {
  const welcome = { ...WELCOME, limits: { ...WELCOME.limits, maxSizes } };
  const received: IncomingPacket[] = [];
  const server = await new RawServer(packets =>
    packets.flatMap(packet => {
      if (packet.kind === PacketKind.Hello) {
        return [[batchOf(controlPacket(PacketKind.Welcome, 0, welcome))]];
      }
      received.push(packet);
      const answer = new OutgoingPacket(PacketKind.Response, packet.id, encodePayload('fine', 'json'));
      return packet.kind === PacketKind.Request ? [[batchOf(Object.assign(answer, { last: true }))]] : [];
    }),
  ).open();
  return { endpoint: server.endpoint, received };
}

describe('the limits of single handlers that a server announces', () => {
  it('are kept by the client: what is too large is refused with PAYLOAD_TOO_LARGE and not sent', async () => {
    const { endpoint, received } = await announcing({ small: 10, '{"cmd":"small"}': 5 });
    const client = await connectClient(endpoint, { retry: 3 });
    await expect(firstValueFrom(client.send('small', 'x'.repeat(9)))).rejects.toMatchObject({
      name: 'ZmqException',
      code: 'PAYLOAD_TOO_LARGE',
      retryable: false,
      details: { what: 'payload', limit: 10, actual: 11, pattern: 'small' },
    });
    await expect(firstValueFrom(client.send({ cmd: 'small' }, Buffer.alloc(6)))).rejects.toMatchObject({
      details: { limit: 5, actual: 6, pattern: '{"cmd":"small"}' },
    });
    await expect(firstValueFrom(client.emit('small', Buffer.alloc(11)))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { limit: 10, actual: 11, pattern: 'small' },
    });
    expect(await firstValueFrom(client.send('small', 'x'.repeat(8)))).toBe('fine');
    expect(await firstValueFrom(client.send({ cmd: 'small' }, Buffer.alloc(5)))).toBe('fine');
    expect(await firstValueFrom(client.send('other', 'x'.repeat(1_000)))).toBe('fine');
    expect(received.map(({ pattern }) => pattern)).toEqual(['small', '{"cmd":"small"}', 'other']);
  });

  it('are those of the pattern that a serializer has chosen', async () => {
    const { endpoint } = await announcing({ short: 1 });
    const serializer = { serialize: ({ data }: { data: unknown }) => ({ pattern: 'short', data }) };
    const client = await connectClient(endpoint, { serializer });
    await expect(firstValueFrom(client.send('long', 'text'))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { limit: 1, actual: 6, pattern: 'short' },
    });
  });

  it.each([undefined, null, 'many', [1], { p: -1 }, { p: '1' }, { p: null }, { p: { max: 1 } }])(
    'do not keep the client from a session when they are %j',
    async maxSizes => {
      const { endpoint } = await announcing(maxSizes);
      const client = await connectClient(endpoint);
      expect(await firstValueFrom(client.send('p', 'x'.repeat(1_000)))).toBe('fine');
    },
  );

  it('may be a thousand, and more than a thousand are ignored', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_100 }, (_, index) => [`handler ${index}`, 3]));
    const { endpoint } = await announcing(many);
    const client = await connectClient(endpoint);
    await expect(firstValueFrom(client.send('handler 1023', 'four'))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
    expect(await firstValueFrom(client.send('handler 1024', 'four'))).toBe('fine');
  });
});
