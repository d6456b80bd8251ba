import type { Attack } from '../attack.js';
import { command, repeated } from '../raw-bytes.js';
import { flood } from './keep-at-it.js';

const NO_TTL = Buffer.alloc(2);

export const commandFlood: readonly Attack[] = [
  {
    id: 'A11',
    title: 'PING without pause from 8 peers',
    exhausts: 'the processor',
    run: ground => flood(ground, { peers: 8 }, repeated(command('PING', NO_TTL))),
  },
  {
    id: 'A11-unknown',
    title: 'commands that nobody knows from 8 peers',
    exhausts: 'the processor',
    run: ground => flood(ground, { peers: 8 }, repeated(command('DRILL', Buffer.alloc(8)))),
  },
];
