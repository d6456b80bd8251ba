import type { Attack, AttackGround } from '../attack.js';
import { jsonFrame } from '../raw-bytes.js';
import type { RawPeer } from '../raw-peer.js';
import { keepAtIt } from './keep-at-it.js';

const READ_BYTES = 256;
const READ_MS = 200;

/** Takes a little and stops again, so that the connection is never quite dead. */
async function trickle(ground: AttackGround, peer: RawPeer): Promise<void> {
  while (!ground.signal.aborted && peer.open) {
    peer.read(() => peer.stopReading());
    await ground.pause(READ_MS);
  }
}

export const slowReader: Attack = {
  id: 'A8',
  title: '16 peers ask for 64 KB over and over; half never read, half read 1 KB a second',
  exhausts: 'memory',
  async run(ground) {
    const request = jsonFrame({ id: '1', pattern: ground.patterns.echo, data: 'x'.repeat(64 * 1024) });
    await keepAtIt(ground, { peers: 16, join: () => ({ readBytes: READ_BYTES }) }, async (peer, index) => {
      peer.stopReading();
      const reading = index % 2 === 0 ? Promise.resolve() : trickle(ground, peer);
      await peer.flood(request, () => !ground.signal.aborted);
      await reading;
    });
  },
};
