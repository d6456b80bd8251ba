import type { Attack } from '../attack.js';
import { frame, jsonFrame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const HUGE_ID = 'huge'.repeat(16 * 1024);
/** How many numbers are guessed at a time; the honest client counts from 1. */
const GUESSES = 200;
const GUESSED_UP_TO = 10_000;

/** Cancels what others may have asked for. */
function guesses(from: number): Buffer {
  const cancels = Array.from({ length: GUESSES }, (_, more) =>
    frame(JSON.stringify({ id: String(from + more), cancel: true })),
  );
  return Buffer.concat(cancels);
}

export const correlationIds: Attack = {
  id: 'A21',
  title: 'ids that are huge, used twice, or guessed to cancel the requests of others',
  exhausts: 'memory, and the requests of others',
  async run(ground) {
    const { echo, slow } = ground.patterns;
    const huge = jsonFrame({ id: HUGE_ID, pattern: echo, data: 1 });
    const duplicate = jsonFrame({ id: '1', pattern: slow, data: 500 });
    await keepAtIt(ground, { peers: 6 }, async (peer, index) => {
      peer.read(bytes => {
        if (bytes.includes('hugehuge')) {
          ground.breach('an id of 64 KB was answered');
        }
      });
      for (let round = 0; !ground.signal.aborted; round += 1) {
        const bytes = [huge, duplicate, guesses((round * GUESSES) % GUESSED_UP_TO)][index % 3] as Buffer;
        if (!(await peer.write(bytes))) {
          return;
        }
        await ground.pause(1);
      }
    });
  },
};
