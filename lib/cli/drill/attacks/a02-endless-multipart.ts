import type { Attack } from '../attack.js';
import { frame, repeated } from '../raw-bytes.js';
import { flood } from './keep-at-it.js';

/** A message whose every frame says that more follow, so that it never becomes one. */
function endless(variant: string, title: string, frameSize: number): Attack {
  return {
    id: `A2${variant}`,
    title,
    exhausts: 'memory',
    run: ground => flood(ground, { peers: 4 }, repeated(frame(Buffer.alloc(frameSize), true))),
  };
}

export const endlessMultipart = [
  endless('', 'a message without end, in frames of 64 KB', 64 * 1024),
  endless('-tiny', 'a message without end, in frames of 1 byte', 1),
  endless('-empty', 'a message without end, in empty frames', 0),
];
