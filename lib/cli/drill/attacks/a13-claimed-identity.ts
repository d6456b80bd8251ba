import type { Attack } from '../attack.js';
import { jsonFrame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const CLAIMED = 'somebody';
const WAIT_MS = 200;

export const claimedIdentity: Attack = {
  id: 'A13',
  title: 'peers that claim a name of their own',
  exhausts: 'trust in who sent a message',
  async run(ground) {
    const request = jsonFrame({ id: '1', pattern: ground.patterns.whoami });
    await keepAtIt(ground, { peers: 4, join: () => ({ identity: CLAIMED }) }, async peer => {
      peer.read(bytes => {
        if (bytes.includes(CLAIMED)) {
          ground.breach('a claimed identity arrived');
        }
      });
      while (!ground.signal.aborted && (await peer.write(request))) {
        await ground.pause(WAIT_MS);
      }
    });
  },
};
