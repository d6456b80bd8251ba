import { Dealer, Router } from 'zeromq';
import { sharedNow } from '../clock.js';
import type { BenchClient, EventLoad, RequestLoad, StreamLoad } from '../load/loads.js';
import { payloadOf } from '../load/observable-client.js';
import { RequestTally } from '../load/request-tally.js';
import type { Peer, ServeOptions } from './peer.js';

/** zeromq.js as its own guide writes it: no Nest, no codec, no correlation ids, one message at a time. */
export const peer: Peer = {
  serve: async ({ port, kind, received }) => {
    // A stream has no flow control here, and a ROUTER at its high-water mark drops.
    const router = new Router({ linger: 0, ...(kind === 'stream' && { sendHighWaterMark: 0 }) });
    await router.bind(`tcp://127.0.0.1:${port}`);
    void answer(router, kind, received);
  },
  connect: async port => {
    const dealer = new Dealer({ linger: 0, receiveHighWaterMark: 0 });
    dealer.connect(`tcp://127.0.0.1:${port}`);
    return clientOf(dealer);
  },
};

async function answer(router: Router, kind: ServeOptions['kind'], received: ServeOptions['received']): Promise<void> {
  for await (const [peerId, payload] of router) {
    if (peerId === undefined || payload === undefined) continue;
    switch (kind) {
      case 'request':
        await router.send([peerId, payload]);
        break;
      case 'event':
        received.add();
        break;
      case 'stream':
        for (let value = 0, end = Number(payload); value < end; value++) await router.send([peerId, String(value)]);
        break;
      default:
        kind satisfies never;
    }
  }
}

function clientOf(dealer: Dealer): BenchClient {
  return {
    async requests(load: RequestLoad) {
      const payload = payloadOf(load);
      const tally = new RequestTally(load);
      const startedAt: number[] = [];
      for (let i = 0; i < load.inFlight; i++) {
        startedAt.push(performance.now());
        await dealer.send(payload);
      }
      // One connection and one loop at the other end: answers come in the order of the requests.
      for (let i = 0, open = load.inFlight; open > 0; i++) {
        const [reply] = await dealer.receive();
        const slot = i % load.inFlight;
        const now = tally.settle(startedAt[slot] ?? 0, reply?.length ?? -1);
        if (tally.isOver(now, open - 1)) {
          open--;
        } else {
          startedAt[slot] = now;
          await dealer.send(payload);
        }
      }
      return tally.result(true);
    },

    async events({ bytes, measureMs, count = Infinity }: EventLoad) {
      const payload = 'x'.repeat(bytes);
      const startedAt = sharedNow();
      let sent = 0;
      for (; sent < count && sharedNow() - startedAt < measureMs; sent++) await dealer.send(payload);
      return { sent, startedAt, errors: 0 };
    },

    async stream({ values, measureMs }: StreamLoad) {
      const startedAt = performance.now();
      await dealer.send(String(values));
      let received = 0;
      while (received < values && performance.now() - startedAt < measureMs) {
        await dealer.receive();
        received++;
      }
      return { received, completed: received === values, elapsedMs: performance.now() - startedAt };
    },
  };
}
