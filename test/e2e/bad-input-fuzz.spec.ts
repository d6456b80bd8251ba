import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketKind } from '../../lib/wire/packet.js';
import { expectToServe, refuseUnhandledRejections, startEcho } from '../support/echo-app.js';
import { RawPeer, batchOf, controlPacket, requestPacket } from '../support/raw-peer.js';
import { until } from '../support/zmq-app.js';

const HELLO = controlPacket(PacketKind.Hello, 0, { version: 1, limits: { maxMessageSize: 1024 * 1024 } });

refuseUnhandledRejections();

describe('a server that gets noise', () => {
  it('survives 10,000 random messages, in the open and inside a session, and serves the next request', async () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ maxLength: 64 }).map(bytes => Buffer.concat([Buffer.from([0xf5]), bytes])),
      fc
        .tuple(
          fc.integer({ min: 0, max: 14 }),
          fc.integer({ min: 0, max: 31 }),
          fc.integer({ min: 0, max: 2 }),
          fc.uint8Array({ maxLength: 40 }),
        )
        .map(([kind, flags, id, body]) =>
          Buffer.concat([Buffer.from([0xf5, kind, flags, 0, 0, 0, id, 0, 0, 0, body.length]), body]),
        ),
      fc.json().map(text => Buffer.from(`{"id":"1","pattern":"echo","data":${text}}`)),
      fc.json().map(text => Buffer.from(`[${text}]`)),
      fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.concat([Buffer.from('{'), bytes])),
      fc.constant(batchOf(HELLO)),
      fc.constant(batchOf(HELLO, requestPacket(1, 'echo', 1))),
    );
    const { server, endpoint } = await startEcho();
    const messages = fc.sample(fc.array(hostile, { minLength: 1, maxLength: 3 }), { numRuns: 10_000, seed: 7 });
    const peers = [new RawPeer(endpoint), new RawPeer(endpoint), new RawPeer(endpoint)];
    for (const { socket } of peers) {
      void (async () => {
        for await (const _ of socket) {
          // Answers are of no interest here.
        }
      })().catch(() => undefined);
    }
    for (const [index, frames] of messages.entries()) {
      await peers[index % 3]?.sendFrames(...frames);
    }
    await until(() => server.getStats().malformed > 1_000);
    await expectToServe(endpoint);
    await until(() => server.getStats().running === 0);
    expect(server.getStats().heldBytes).toBe(0);
  });
});
