import { describe, expect, it } from 'vitest';
import { readPing } from '../../lib/zmtp/commands.js';
import { openGate } from '../support/gate.js';
import { openEcho } from '../support/interop-gate.js';
import { useLibraries } from '../support/interop-libraries.js';
import { countOf, exchange } from '../support/interop-peer.js';
import { Tap } from '../support/interop-tap.js';
import { until } from '../support/zmq-app.js';

const NUMBERS = Array.from({ length: 500 }, (_, number) => String(number));

describe.each(useLibraries())('the gate and peers of $name', library => {
  describe('that are silent', () => {
    it('answers the heartbeats of one that is silent otherwise, and keeps it', async () => {
      const { log, endpoint } = await openEcho();
      const tap = await Tap.open(endpoint);
      const heartbeat = { interval: 100, timeout: 2_000 };
      const peer = await library.open({ type: 'DEALER', endpoint: tap.endpoint, heartbeat });
      expect(await exchange(peer, 'before')).toEqual(['before']);
      // More than a second's worth.
      await tap.untilNamed('gate', 'PONG', 15);
      expect(await exchange(peer, 'after')).toEqual(['after']);
      expect([log.gone, log.kinds, peer.events]).toEqual([[], [], ['connected']]);
    });

    it.each(['DEALER', 'REQ'] as const)('has its own heartbeats answered by a silent %s', async type => {
      const { log, endpoint } = await openEcho({ gate: { heartbeatInterval: 100, heartbeatTimeout: 5_000 } });
      const tap = await Tap.open(endpoint);
      const peer = await library.open({ type, endpoint: tap.endpoint });
      expect(await exchange(peer, 'before')).toEqual(['before']);
      await tap.untilNamed('peer', 'PONG', 2);
      expect(await exchange(peer, 'after')).toEqual(['after']);
      expect([log.gone, log.kinds, peer.events]).toEqual([[], [], ['connected']]);
    });

    it('asks for no end of those who hear nothing for a while: it has nothing to say to one that only sends', async () => {
      const gate = { heartbeatInterval: 100, heartbeatTimeout: 5_000 };
      const { endpoint } = await openGate({ socketType: 'PULL', gate });
      const tap = await Tap.open(endpoint);
      await library.open({ type: 'PUSH', endpoint: tap.endpoint });
      const [ping] = await tap.untilNamed('gate', 'PING', 1);
      expect(readPing(ping!.data)).toMatchObject({ ttl: 0 });
    });

    it('finds out that the line is dead, as the peer does, which comes back', async () => {
      const { server, log, endpoint } = await openEcho({ gate: { heartbeatInterval: 500, heartbeatTimeout: 1_500 } });
      const tap = await Tap.open(endpoint);
      const heartbeat = { interval: 100, timeout: 1_000 };
      const peer = await library.open({ type: 'DEALER', endpoint: tap.endpoint, heartbeat });
      expect(await exchange(peer, 'before')).toEqual(['before']);
      tap.goDead();
      await until(() => countOf(peer, 'connected') >= 2 && log.gone.length === 1, 10_000);
      expect(await exchange(peer, 'after')).toEqual(['after']);
      expect(log.gone).toEqual([{ peerId: log.senders[0], why: undefined }]);
      expect([log.kinds, server.usage.connections]).toEqual([[], 1]);
    });
  });

  describe('after they have lost each other', () => {
    it.each(['DEALER', 'REQ'] as const)('serves a %s again after each restart', async type => {
      let gate = await openEcho();
      const { endpoint } = gate;
      const peer = await library.open({ type, endpoint });
      for (let starts = 1; starts <= 3; starts++) {
        await until(() => countOf(peer, 'connected') === starts);
        expect(await exchange(peer, `start ${starts}`)).toEqual([`start ${starts}`]);
        await gate.server.close();
        await until(() => countOf(peer, 'disconnected') === starts);
        gate = await openEcho({ bind: endpoint });
      }
    });

    it('gets what a PUSH has sent while the gate was away, in order', async () => {
      const first = await openGate({ socketType: 'PULL' });
      const peer = await library.open({ type: 'PUSH', endpoint: first.endpoint });
      await peer.send(['before']);
      await until(() => first.log.messages.length === 1);
      await first.server.close();
      await until(() => countOf(peer, 'disconnected') === 1);
      await peer.send(...NUMBERS.map(number => [number]));
      const { log } = await openGate({ socketType: 'PULL', bind: first.endpoint });
      await until(() => log.messages.length === NUMBERS.length);
      expect(log.texts).toEqual(NUMBERS.map(number => [number]));
    });

    it('subscribes again when it is back, and gets what an XPUB has sent meanwhile', async () => {
      const first = await openGate({ socketType: 'SUB' });
      const peer = await library.open({ type: 'XPUB', endpoint: first.endpoint });
      expect(await peer.receive(1)).toEqual([[Buffer.of(1)]]);
      await first.server.close();
      await until(() => countOf(peer, 'disconnected') === 1);
      await peer.send(['any', 'old news']);
      const { log } = await openGate({ socketType: 'SUB', bind: first.endpoint });
      await until(() => log.messages.length === 1);
      await peer.send(['any', 'news']);
      await until(() => log.messages.length === 2);
      expect(log.texts).toEqual([
        ['any', 'old news'],
        ['any', 'news'],
      ]);
    });

    it('is found again by one whose handshake got lost on the way', async () => {
      const { log, endpoint } = await openEcho({ socket: { handshakeInterval: 200 } });
      const tap = await Tap.open(endpoint);
      tap.isDeaf = true;
      const peer = await library.open({ type: 'DEALER', endpoint: tap.endpoint });
      await log.untilViolation('handshake-timeout');
      tap.isDeaf = false;
      expect(await exchange(peer, 'hello')).toEqual(['hello']);
    });
  });
});
