import { ClientProxyFactory, type NatsOptions, Transport } from '@nestjs/microservices';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

const nats: NatsOptions = { transport: Transport.NATS, options: { servers: ['nats://127.0.0.1:4222'] } };

export const peer: Peer = {
  serve: ({ received }) => serveNest(nats, received),
  connect: () => connectNest(ClientProxyFactory.create(nats)),
};
