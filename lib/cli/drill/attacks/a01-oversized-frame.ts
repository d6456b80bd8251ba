import type { Attack } from '../attack.js';
import { frameHeader } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const DECLARED = 256 * 1024 ** 2;
const CHUNK = Buffer.alloc(64 * 1024);

export const oversizedFrame: Attack = {
  id: 'A1',
  title: 'one frame of 256 MB from each of 8 peers',
  exhausts: 'memory',
  async run(ground) {
    await keepAtIt(ground, { peers: 8 }, async peer => {
      await peer.write(frameHeader(DECLARED));
      for (let sent = 0; sent < DECLARED && (await peer.write(CHUNK)); sent += CHUNK.length);
    });
  },
};
