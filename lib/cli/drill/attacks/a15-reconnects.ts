import type { Attack } from '../attack.js';
import { crowd } from './keep-at-it.js';

export const reconnectStorm: Attack = {
  id: 'A15',
  title: '64 peers that connect, leave, and connect again without pause',
  exhausts: 'the processor',
  async run(ground) {
    await crowd(64, async index => {
      while (!ground.signal.aborted) {
        const peer = await ground.join({ source: index >> 3 });
        peer?.close();
        if (peer === undefined) {
          // Refused at once or not at all, a loop must still let other loops run.
          await ground.pause(1);
        }
      }
    });
  },
};
