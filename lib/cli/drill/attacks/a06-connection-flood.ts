import type { Attack } from '../attack.js';
import { crowd } from './keep-at-it.js';

const RETRY_MS = 200;

export const connectionFlood: Attack = {
  id: 'A6',
  title: 'as many idle connections as can be had from 2 addresses',
  exhausts: 'descriptors and memory',
  async run(ground) {
    await crowd(2_000, async index => {
      while (!ground.signal.aborted) {
        const peer = await ground.join({ source: index % 2 });
        await peer?.closed;
        await ground.pause(RETRY_MS);
      }
    });
  },
};
