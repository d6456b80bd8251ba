import { afterAll, beforeAll } from 'vitest';
import type { PeerLibrary } from './interop-peer.js';
import { PyzmqPeers } from './interop-pyzmq.js';
import { zeromqJs } from './interop-zeromq.js';
import { whyNoPyzmq } from './python.js';

/** The bindings of libzmq that there are here, ready for the tests of the file. In CI none is left out. */
export function useLibraries(): readonly PeerLibrary[] {
  const missing = whyNoPyzmq();
  if (missing !== undefined && process.env['CI'] !== 'true') {
    console.warn(`The peers in Python are left out: ${missing}`);
    return [zeromqJs];
  }
  const pyzmq = new PyzmqPeers();
  beforeAll(() => pyzmq.start());
  afterAll(() => pyzmq.stop());
  return [zeromqJs, pyzmq];
}
