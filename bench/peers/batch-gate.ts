import { ClientZmq, ServerZmq } from 'nestjs-zeromq';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** The engine `gate` of the server, called in binary batches by a client on libzmq. */
export const peer: Peer = {
  serve: ({ port, received }) =>
    serveNest({ strategy: new ServerZmq({ bind: `tcp://127.0.0.1:${port}`, engine: 'gate' }) }, received),
  connect: port => connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}`, engine: 'zeromq' })),
};
