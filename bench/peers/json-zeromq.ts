import { ServerZmq } from 'nestjs-zeromq';
import { connectJson } from './json-dealer.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** The engine `zeromq` of the server, called by a bare zeromq.js client in JSON mode. */
export const peer: Peer = {
  serve: ({ port, received }) =>
    serveNest({ strategy: new ServerZmq({ bind: `tcp://127.0.0.1:${port}`, engine: 'zeromq' }) }, received),
  connect: connectJson,
};
