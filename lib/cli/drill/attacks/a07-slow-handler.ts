import type { Attack } from '../attack.js';
import { jsonFrame } from '../raw-bytes.js';
import { flood } from './keep-at-it.js';

export const slowHandler: Attack = {
  id: 'A7',
  title: '50 peers send requests of 1 MB to a handler that takes 2 s',
  exhausts: 'memory',
  run: ground =>
    flood(
      ground,
      { peers: 50 },
      jsonFrame({ id: '1', pattern: ground.patterns.slow, data: 2_000, padding: 1_000_000 }),
    ),
};
