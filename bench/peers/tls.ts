import { ClientZmq, ServerZmq } from 'nestjs-zeromq';
import { certificates } from './keys.js';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** This transport over mutual TLS. */
export const peer: Peer = {
  serve: ({ port, received }) => {
    const { caFile, server } = certificates();
    const tls = { ...server, caFile, minVersion: 'TLSv1.3' } as const;
    return serveNest({ strategy: new ServerZmq({ bind: `tls://127.0.0.1:${port}`, tls }) }, received);
  },
  connect: port => {
    const { caFile, client } = certificates();
    return connectNest(new ClientZmq({ connect: `tls://127.0.0.1:${port}`, tls: { ...client, caFile } }));
  },
};
