import type { Attack } from '../attack.js';
import { frame, jsonFrame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const BURN_MS = 5;
const SLOW_MS = 5_000;
const REQUESTS_A_WRITE = 20;

/** A third computes, a third waits, and a third asks and cancels; nobody reads an answer. */
export const costlyHandlers: Attack = {
  id: 'A28',
  title: '24 peers ask for costly work without end and never read',
  exhausts: 'the processor and the places of handlers',
  async run(ground) {
    const { burn, slow } = ground.patterns;
    await keepAtIt(ground, { peers: 24 }, async (peer, index) => {
      peer.stopReading();
      for (let round = 0; !ground.signal.aborted; round += 1) {
        const requests = Array.from({ length: REQUESTS_A_WRITE }, (_, more) => {
          const id = String((round * REQUESTS_A_WRITE + more) % 100_000);
          const [pattern, data] = index % 3 === 0 ? ([burn, BURN_MS] as const) : ([slow, SLOW_MS] as const);
          const request = jsonFrame({ id, pattern, data });
          return index % 3 === 2 ? Buffer.concat([request, frame(JSON.stringify({ id, cancel: true }))]) : request;
        });
        if (!(await peer.write(Buffer.concat(requests)))) {
          return;
        }
      }
    });
  },
};
