import type { Attack } from '../attack.js';
import { jsonFrame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const REQUESTS_A_WRITE = 100;
const PAUSE_MS = 5;
const PADDING = 'p'.repeat(180);

export const everNewPatterns: Attack = {
  id: 'A19',
  title: 'requests and events whose pattern is another one each time',
  exhausts: 'caches, names of metrics, logs',
  async run(ground) {
    await keepAtIt(ground, { peers: 4 }, async (peer, index) => {
      for (let round = 0; !ground.signal.aborted; round += 1) {
        const messages = Array.from({ length: REQUESTS_A_WRITE }, (_, more) => {
          const pattern = `${PADDING}-${index}-${round}-${more}`;
          return jsonFrame(more % 2 === 0 ? { pattern } : { pattern, id: String(more) });
        });
        if (!(await peer.write(Buffer.concat(messages)))) {
          return;
        }
        await ground.pause(PAUSE_MS);
      }
    });
  },
};
