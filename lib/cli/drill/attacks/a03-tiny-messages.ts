import type { Attack } from '../attack.js';
import { frame, jsonFrame, repeated } from '../raw-bytes.js';
import { flood } from './keep-at-it.js';

export const tinyMessages: readonly Attack[] = [
  {
    id: 'A3',
    title: 'small requests without pause from 8 peers',
    exhausts: 'the event loop',
    run: ground =>
      flood(ground, { peers: 8 }, repeated(jsonFrame({ id: '1', pattern: ground.patterns.echo, data: 1 }))),
  },
  {
    id: 'A3-empty',
    title: 'messages of 1 byte without pause from 8 peers',
    exhausts: 'the event loop',
    run: ground => flood(ground, { peers: 8 }, repeated(frame('{'))),
  },
  {
    id: 'A3-frames',
    title: 'messages of 10,000 empty frames from 4 peers',
    exhausts: 'the event loop',
    run: ground => flood(ground, { peers: 4 }, Buffer.concat([repeated(frame('', true), 20_000), frame('')])),
  },
];
