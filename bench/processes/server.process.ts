import { EventCounter } from '../peers/event-counter.js';
import type { Peer } from '../peers/peer.js';
import { peerModule, serveTasks, usage } from './messages.js';

const received = new EventCounter();

serveTasks(async message => {
  switch (message.task) {
    case 'serve': {
      const { peer } = (await import(peerModule(message.peer))) as { peer: Peer };
      return peer.serve({ port: message.port, kind: message.kind, received });
    }
    case 'settle':
      return received.settle(message.expected);
    case 'usage':
      return usage();
    default:
      throw new Error(`a server cannot ${message.task}`);
  }
});
