import { describe, expect, it } from 'vitest';
import { PacketKind } from '../../../lib/wire/packet.js';
import { ENGINES, startPlaces, statsOf, work } from '../../support/places.js';
import { RawPeer, requestPacket } from '../../support/raw-peer.js';
import { until } from '../../support/zmq-app.js';

describe.each(ENGINES)('a request that waits for a place of the server, with the engine %s,', engine => {
  const start = () => startPlaces({ engine, concurrency: { limit: 1, stallTimeout: 600_000 } });
  const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

  it('is not run once nobody waits for it any more', async () => {
    const { server, endpoint } = await start();
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(
      requestPacket(1, 'held', { id: 1 }),
      requestPacket(2, 'free', { id: 2 }, { timeoutMs: 50 }),
      requestPacket(3, 'timed', { id: 3 }, { timeoutMs: 60_000 }),
    );
    await until(() => work.begun.length === 1);
    await pause(100);
    work.gate.open();
    expect((await peer.next(PacketKind.Response)).id).toBe(1);
    expect(await peer.nextError()).toMatchObject({ id: 2, error: { code: 'DEADLINE_EXCEEDED' } });
    expect((await peer.next(PacketKind.Response)).id).toBe(3);
    expect(work.begun).toEqual([1, 3]);
    await until(() => server.getStats().running === 0 && server.getStats().outboxBytes === 0);
    expect(server.getStats()).toMatchObject({ requests: 2, cancelled: 1, heldBytes: 0 });
    expect(statsOf(server, 'free')).toMatchObject({ running: 0, waiting: 0 });
  });

  it('is not run either if it came in JSON mode', async () => {
    const { endpoint } = await start();
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(
      Buffer.from(
        JSON.stringify([
          { id: 'a', pattern: 'held', data: { id: 1 } },
          { id: 'b', pattern: 'timed', data: { id: 2 }, timeout: 50 },
          { id: 'c', pattern: 'timed', data: { id: 3 } },
        ]),
      ),
    );
    await until(() => work.begun.length === 1);
    await pause(100);
    work.gate.open();
    const answers: Record<string, unknown> = {};
    while (Object.keys(answers).length < 3) {
      const [frame] = await peer.socket.receive();
      const parsed = JSON.parse(String(frame)) as { id: string } | { id: string }[];
      for (const answer of Array.isArray(parsed) ? parsed : [parsed]) {
        answers[answer.id] = answer;
      }
    }
    expect(answers).toMatchObject({
      a: { response: 1 },
      b: { err: { code: 'DEADLINE_EXCEEDED' } },
      c: { response: 3 },
    });
    expect(work.begun).toEqual([1, 3]);
  });

  it('has what is left of its time for the queue of its handler', async () => {
    const { server, endpoint } = await start();
    const peer = new RawPeer(endpoint);
    await peer.hello();
    await peer.send(requestPacket(1, 'held', { id: 1 }), requestPacket(2, 'held', { id: 2 }, { timeoutMs: 150 }));
    await until(() => work.begun.length === 1);
    await pause(100);
    // Now it gets a place of the server, and waits for one of its handler.
    const admitted = performance.now();
    server.setLimits({ concurrency: 2 });
    await until(() => statsOf(server, 'held').waiting === 1);
    expect(await peer.nextError()).toMatchObject({ id: 2, error: { code: 'DEADLINE_EXCEEDED' } });
    expect(performance.now() - admitted).toBeLessThan(120);
    expect(work.begun).toEqual([1]);
  });
});
