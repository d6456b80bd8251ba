import { ClientZmq, ServerZmq, ZmqModule } from 'nestjs-zeromq';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** This transport with `ZmqModule` and without any rule, for comparison with those that have one. */
export const peer: Peer = {
  serve: ({ port, received }) =>
    serveNest({ strategy: new ServerZmq({ bind: `tcp://127.0.0.1:${port}` }) }, received, {
      imports: [ZmqModule.forRoot()],
    }),
  connect: port => connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}` })),
};
