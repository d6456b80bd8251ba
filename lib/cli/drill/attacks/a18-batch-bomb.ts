import type { Attack } from '../attack.js';
import { batchFrame, frame, helloFrame, jsonText } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const PACKETS = 4_096;
const TOO_MANY = 16_000;

function jsonBatch(pattern: string, count: number): Buffer {
  return frame(`[${Array.from({ length: count }, (_, id) => jsonText({ id: `${id}`, pattern, data: 1 })).join()}]`);
}

export const batchBomb: readonly Attack[] = [
  {
    id: 'A18',
    title: 'JSON batches of 4,096 and of 16,000 requests from 8 peers',
    exhausts: 'the event loop',
    async run(ground) {
      const batches = [PACKETS, TOO_MANY].map(count => jsonBatch(ground.patterns.echo, count));
      await keepAtIt(ground, { peers: 8 }, (peer, index) =>
        peer.flood(batches[index % 2] as Buffer, () => !ground.signal.aborted),
      );
    },
  },
  {
    id: 'A18-binary',
    title: 'binary batches of 4,096 and of 16,000 requests from 8 peers',
    exhausts: 'the event loop',
    async run(ground) {
      const batches = [PACKETS, TOO_MANY].map(count => batchFrame(ground.patterns.echo, count));
      await keepAtIt(ground, { peers: 8 }, async (peer, index) => {
        await peer.write(helloFrame());
        await peer.flood(batches[index % 2] as Buffer, () => !ground.signal.aborted);
      });
    },
  },
];
