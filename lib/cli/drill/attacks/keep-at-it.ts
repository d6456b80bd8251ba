import type { AttackGround, HandshakeOptions } from '../attack.js';
import type { RawPeer } from '../raw-peer.js';

/** Between two attempts of one attacker, so that a refusal does not turn every attack into a flood of connections. */
const RETRY_MS = 100;

export interface Crowd {
  readonly peers: number;
  /** How the peer of this number joins. */
  readonly join?: (index: number) => HandshakeOptions;
}

/** So many peers, spread over the sources, that each act and come back when they were thrown out. */
export async function keepAtIt(
  ground: AttackGround,
  { peers, join }: Crowd,
  act: (peer: RawPeer, index: number) => Promise<void>,
): Promise<void> {
  const attacker = async (index: number): Promise<void> => {
    while (!ground.signal.aborted) {
      const peer = await ground.join({ source: index, ...join?.(index) });
      if (peer !== undefined) {
        await act(peer, index);
        peer.close();
      }
      await ground.pause(RETRY_MS);
    }
  };
  await Promise.all(Array.from({ length: peers }, (_, index) => attacker(index)));
}

/** Sends the same bytes over each of the peers, as fast as the target takes them. */
export async function flood(ground: AttackGround, crowd: Crowd, bytes: Uint8Array): Promise<void> {
  await keepAtIt(ground, crowd, peer => peer.flood(bytes, () => !ground.signal.aborted));
}

/** The same for so many at a time. */
export async function crowd(size: number, act: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: size }, (_, index) => act(index)));
}
