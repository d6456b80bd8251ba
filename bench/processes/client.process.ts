import type { BenchClient } from '../load/loads.js';
import type { Peer } from '../peers/peer.js';
import { peerModule, serveTasks, usage } from './messages.js';

let connected: BenchClient | undefined;

function client(): BenchClient {
  if (!connected) throw new Error('not connected');
  return connected;
}

serveTasks(async message => {
  switch (message.task) {
    case 'connect': {
      const { peer } = (await import(peerModule(message.peer))) as { peer: Peer };
      connected = await peer.connect(message.port);
      return;
    }
    case 'requests':
      return client().requests(message.load);
    case 'events':
      return client().events(message.load);
    case 'stream':
      return client().stream(message.load);
    case 'usage':
      return usage();
    default:
      throw new Error(`a client cannot ${message.task}`);
  }
});
