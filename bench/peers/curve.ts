import { ClientZmq, ServerZmq } from 'nestjs-zeromq';
import { curveKeys } from './keys.js';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** This transport over CURVE, which libzmq carries. */
export const peer: Peer = {
  serve: ({ port, received }) => {
    const { server, client } = curveKeys();
    const strategy = new ServerZmq({
      bind: `tcp://127.0.0.1:${port}`,
      curve: { secretKey: server.secretKey },
      identities: { bench: { curveKey: client.publicKey } },
    });
    return serveNest({ strategy }, received);
  },
  connect: port => {
    const { server, client } = curveKeys();
    const curve = { serverKey: server.publicKey, secretKey: client.secretKey };
    return connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}`, curve }));
  },
};
