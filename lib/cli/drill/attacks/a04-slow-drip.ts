import type { Attack, AttackGround } from '../attack.js';
import { frameHeader } from '../raw-bytes.js';
import type { RawPeer } from '../raw-peer.js';
import { keepAtIt } from './keep-at-it.js';

const DECLARED = 1_000_000;
const AT_ONCE = Buffer.alloc(900_000, 'x');
const DRIP = Buffer.from('x');
const DRIP_MS = 100;

/** Most of a large message at once, and then a byte at a time. */
async function drip(ground: AttackGround, peer: RawPeer): Promise<void> {
  await peer.write(frameHeader(DECLARED));
  await peer.write(AT_ONCE);
  while (!ground.signal.aborted && (await peer.write(DRIP))) {
    await ground.pause(DRIP_MS);
  }
}

export const slowDrip: Attack = {
  id: 'A4',
  title: '200 peers that send 0.9 of 1 MB and go on byte by byte',
  exhausts: 'memory',
  run: ground => keepAtIt(ground, { peers: 200, join: index => ({ source: index >> 3 }) }, peer => drip(ground, peer)),
};

export const partials: Attack = {
  id: 'partials',
  title: '50 addresses with 10 connections each hold 0.9 of 1 MB',
  exhausts: 'memory, and the room of honest large messages',
  run: ground => keepAtIt(ground, { peers: 500, join: index => ({ source: index % 50 }) }, peer => drip(ground, peer)),
};
