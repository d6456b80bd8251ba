import type { Attack } from '../attack.js';
import { frame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const PAUSE_MS = 5;
/** As text: an object literal would set the prototype instead of having the key. */
const KEYS = ['"__proto__":{"drilled":true}', '"constructor":{"prototype":{"drilled":true}}'];

export const prototypeKeys: Attack = {
  id: 'A22',
  title: 'objects with the keys __proto__ and constructor, at any depth',
  exhausts: 'the integrity of whatever merges them',
  async run(ground) {
    const { echo } = ground.patterns;
    const requests = KEYS.flatMap(key =>
      [`{${key}}`, `{"a":[{"b":{${key}}}]}`].map(data =>
        frame(`{"id":"1","pattern":${JSON.stringify(echo)},"data":${data}}`),
      ),
    );
    await keepAtIt(ground, { peers: 4 }, async (peer, index) => {
      peer.read(bytes => {
        if (bytes.includes('drilled')) {
          ground.breach('an object with such a key reached a handler');
        }
      });
      while (!ground.signal.aborted && (await peer.write(requests[index % requests.length] as Buffer))) {
        await ground.pause(PAUSE_MS);
      }
    });
  },
};
