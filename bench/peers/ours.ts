import { ClientZmq, ServerZmq } from 'nestjs-zeromq';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** This transport as it comes, without a single option for speed. */
export const peer: Peer = {
  serve: ({ port, received }) => serveNest({ strategy: new ServerZmq({ bind: `tcp://127.0.0.1:${port}` }) }, received),
  connect: port => connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}` })),
};
