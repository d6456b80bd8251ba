import { once } from 'node:events';
import { connect } from 'node:net';
import type { Target } from '../../../lib/cli/drill/target.js';

/** Events that a service on Nest's TCP transport does not know, named to forge log lines. */
export async function floodNestTcp({ host, port }: Target, events: number): Promise<void> {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  for (let number = 0; number < events; number += 1) {
    const text = JSON.stringify({ pattern: `\n[Nest] 1 - LOG forged ${number}`, data: null });
    if (!socket.write(`${text.length}#${text}`)) {
      await once(socket, 'drain');
    }
  }
  socket.end();
}
