import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readMetadata } from '../../lib/zmtp/metadata.js';
import { startEcho } from '../support/echo-app.js';
import { leftIn, NOTHING_LEFT, openGate, plainBind } from '../support/gate.js';
import { openEcho } from '../support/interop-gate.js';
import { useLibraries } from '../support/interop-libraries.js';
import { countOf, exchange } from '../support/interop-peer.js';
import { Tap } from '../support/interop-tap.js';
import { sha1 } from '../support/interop-zeromq.js';
import { until } from '../support/zmq-app.js';

const MEBI = 1024 ** 2;
const METADATA = { maxProperties: 32, maxBytes: 4_096 };
const NUMBERS = Array.from({ length: 1_000 }, (_, number) => String(number));
const ANN = { username: 'ann', password: 'sesame' };
const isAnn = (username: string, password: string) => username === ANN.username && password === ANN.password;

describe.each(useLibraries())('the gate and peers of $name', library => {
  describe('of all types', () => {
    it('answers a DEALER, with as many frames as a message may have and of all sizes', async () => {
      const { log, endpoint } = await openEcho({ gate: { maxFrames: 16 }, maxMessageSize: MEBI });
      const peer = await library.open({ type: 'DEALER', endpoint });
      const sizes = [0, 1, 254, 255, 256, 257, 8_191, 8_192, 8_193, 65_535, 65_536, 65_537, 0, 500_000, 1, 0];
      const frames = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      await peer.send(frames);
      expect((await peer.receive(1))[0]?.map((frame, index) => frame.equals(frames[index]!))).toEqual(
        frames.map(() => true),
      );
      await peer.send([...frames.slice(0, 13), '', '', '', '', 'one too many']);
      expect(await log.untilViolation('too-many-frames')).toMatchObject({ id: 'A2', figures: { limit: 16 } });
      expect(log.messages).toHaveLength(1);
      await until(() => countOf(peer, 'connected') === 2);
      expect(await exchange(peer, 'back')).toEqual(['back']);
    });

    it('answers a REQ, whose empty delimiter counts as a frame', async () => {
      const { log, endpoint } = await openEcho({ gate: { maxFrames: 4 } });
      const peer = await library.open({ type: 'REQ', endpoint });
      expect(await exchange(peer, 'one')).toEqual(['one']);
      expect(await exchange(peer, 'two', '', 'frames')).toEqual(['two', '', 'frames']);
      expect(log.texts).toEqual([
        ['', 'one'],
        ['', 'two', '', 'frames'],
      ]);
    });

    it.each(['DEALER', 'REQ'] as const)('carries the JSON calls of a %s to the handlers of Nest', async type => {
      const { endpoint } = await startEcho({ engine: 'gate' });
      const peer = await library.open({ type, endpoint });
      const call = async (request: object) =>
        JSON.parse((await exchange(peer, JSON.stringify(request))).join()) as unknown;
      const data = { hello: ['wörld', null, 1.5] };
      expect(await call({ id: '1', pattern: 'echo', data })).toEqual({ id: '1', response: data, isDisposed: true });
      expect(await call({ id: '2', pattern: 'nobody', data })).toMatchObject({ id: '2', err: { code: 'NO_HANDLER' } });
    });

    it('takes from a PUSH all that it had sent before it left, in order', async () => {
      const { log, endpoint } = await openGate({ socketType: 'PULL' });
      const peer = await library.open({ type: 'PUSH', endpoint });
      await peer.send(...NUMBERS.map(number => [number, '']));
      await peer.close();
      await until(() => log.messages.length === NUMBERS.length);
      expect(log.texts).toEqual(NUMBERS.map(number => [number, '']));
      expect(log.kinds).toEqual([]);
    });

    it('subscribes to everything that a PUB has', async () => {
      const { log, endpoint } = await openGate({ socketType: 'SUB' });
      const peer = await library.open({ type: 'PUB', endpoint, highWaterMark: 100_000 });
      // What nobody has subscribed to yet is dropped by the publisher, which does not tell who has.
      while (log.messages.length === 0) {
        await peer.send(['', 'warm-up']);
        await setImmediate();
      }
      await peer.send(...NUMBERS.map(number => [`topic ${number}`, number]));
      await until(() => log.texts.at(-1)?.[1] === '999');
      expect(log.texts.filter(([topic]) => topic !== '')).toEqual(NUMBERS.map(number => [`topic ${number}`, number]));
    });

    it('subscribes to everything that an XPUB has, once', async () => {
      const { log, endpoint } = await openGate({ socketType: 'SUB' });
      const peer = await library.open({ type: 'XPUB', endpoint });
      expect(await peer.receive(1)).toEqual([[Buffer.of(1)]]);
      await peer.send(['any', 'news']);
      await until(() => log.messages.length === 1);
      expect(log.texts).toEqual([['any', 'news']]);
    });

    it('serves those who come by IPv6', async () => {
      const { endpoint } = await openEcho({ bind: 'tcp://[::1]:*' });
      expect(endpoint).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
      for (const type of ['DEALER', 'REQ'] as const) {
        expect(await exchange(await library.open({ type, endpoint }), 'six')).toEqual(['six']);
      }
    });

    it('serves 200 DEALERs that come at once', async () => {
      const { server, log, endpoint } = await openEcho();
      let most = 0;
      log.onMessage = () => {
        most = Math.max(most, server.usage.connections);
      };
      expect(await library.crowd(endpoint, 200)).toEqual(NUMBERS.slice(0, 200));
      expect([log.senders.length, most]).toEqual([200, 200]);
      await until(() => server.usage.connections === 0);
      expect(leftIn(server)).toEqual(NOTHING_LEFT);
    });

    it('takes 100 MB of all sizes as fast as they come, and they come back whole', { timeout: 60_000 }, async () => {
      const { server, log, endpoint } = await openEcho({ maxMessageSize: MEBI, held: 8 * MEBI }, { keeps: false });
      const came = { messages: 0, bytes: 0, wrong: 0 };
      log.onMessage = (_, [checksum, body]) => {
        came.messages++;
        came.bytes += (body as Buffer).length;
        came.wrong += sha1(body as Buffer).equals(checksum as Buffer) ? 0 : 1;
      };
      const peer = await library.open({ type: 'DEALER', endpoint, highWaterMark: 32 });
      const report = await peer.bulk({ total: 100 * MEBI, most: MEBI, seed: 1 });
      expect(came).toEqual(report);
      expect([report.wrong, log.gone]).toEqual([0, []]);
      expect(report.bytes).toBeGreaterThanOrEqual(100 * MEBI);
      await peer.close();
      await until(() => server.usage.connections === 0);
      expect(leftIn(server)).toEqual(NOTHING_LEFT);
    });
  });

  describe('and who they are', () => {
    it('gives them ids of its own, whatever they call themselves', async () => {
      const { log, endpoint } = await openEcho();
      const tap = await Tap.open(endpoint);
      for (const [type, routingId] of [
        ['DEALER', 'admin'],
        ['DEALER', 'admin'],
        ['REQ', 'x'.repeat(255)],
      ] as const) {
        const peer = await library.open({ type, endpoint: tap.endpoint, routingId });
        expect(await exchange(peer, routingId)).toEqual([routingId]);
      }
      const claims = tap.named('peer', 'READY').map(({ data }) => String(asMetadata(data).get('identity')));
      expect(claims).toEqual(['admin', 'admin', 'x'.repeat(255)]);
      expect(log.senders.map(({ length }) => length)).toEqual([8, 8, 8]);
      expect(log.kinds).toEqual([]);
    });

    it.each(['DEALER', 'REQ'] as const)('lets a %s in that knows the password', async type => {
      const { log, endpoint } = await openEcho({ bind: plainBind(isAnn) });
      const peer = await library.open({ type, endpoint, plain: ANN });
      expect(await exchange(peer, 'hello')).toEqual(['hello']);
      expect(log.kinds).toEqual([]);
    });

    it.each([
      ['with another password', { ...ANN, password: 'sesam' }, ['not-authenticated']],
      ['under another name', { ...ANN, username: 'Ann' }, ['not-authenticated']],
      // It hears what is asked for, and leaves by itself.
      ['without a password', undefined, []],
    ])('does not let one in that comes %s', async (_, plain, kinds) => {
      const { server, log, endpoint } = await openEcho({ bind: plainBind(isAnn) });
      const peer = await library.open({ type: 'DEALER', endpoint, ...(plain !== undefined && { plain }) });
      await until(() => countOf(peer, 'refused') + countOf(peer, 'disconnected') > 0);
      await until(() => log.kinds.length === kinds.length);
      expect([log.kinds, log.messages, countOf(peer, 'connected')]).toEqual([kinds, [], 0]);
      await peer.close();
      await until(() => server.usage.connections === 0);
      expect(leftIn(server)).toEqual(NOTHING_LEFT);
    });
  });
});

function asMetadata(data: Buffer): ReadonlyMap<string, Buffer> {
  return readMetadata(data, METADATA) as ReadonlyMap<string, Buffer>;
}
