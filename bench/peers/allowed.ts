import { AllowPeers, ClientZmq, ServerZmq, ZmqModule } from 'nestjs-zeromq';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** This transport with an access rule next to the handler. */
export const peer: Peer = {
  serve: ({ port, received }) =>
    serveNest(
      { strategy: new ServerZmq({ bind: { endpoint: `tcp://127.0.0.1:${port}`, roles: ['bench'] } }) },
      received,
      {
        imports: [ZmqModule.forRoot()],
        decorators: [AllowPeers({ roles: 'bench', addresses: ['127.0.0.0/8', '::1'] })],
      },
    ),
  connect: port => connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}` })),
};
