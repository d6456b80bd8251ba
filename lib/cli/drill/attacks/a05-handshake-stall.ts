import type { Attack, AttackGround } from '../attack.js';
import { greeting } from '../raw-bytes.js';
import { crowd } from './keep-at-it.js';

const DRIP_MS = 200;

/** Some say nothing, the others say their greeting a byte at a time. */
async function stall(ground: AttackGround, source: number): Promise<void> {
  const peer = await ground.connect({ source: source >> 4 });
  if (peer === undefined) {
    return;
  }
  ground.progress();
  peer.read();
  if (source % 2 === 0) {
    await peer.closed;
    return;
  }
  for (const byte of greeting()) {
    if (ground.signal.aborted || !(await peer.write(Buffer.of(byte)))) {
      return;
    }
    ground.progress();
    await ground.pause(DRIP_MS);
  }
}

export const handshakeStall: Attack = {
  id: 'A5',
  title: '1,000 connections that never finish the handshake',
  exhausts: 'connections',
  run: ground => crowd(1_000, index => stall(ground, index)),
};
