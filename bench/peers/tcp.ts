import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

const host = '127.0.0.1';

export const peer: Peer = {
  serve: ({ port, received }) => serveNest({ transport: Transport.TCP, options: { host, port } }, received),
  connect: port => connectNest(ClientProxyFactory.create({ transport: Transport.TCP, options: { host, port } })),
};
