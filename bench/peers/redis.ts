import { ClientProxyFactory, type RedisOptions, Transport } from '@nestjs/microservices';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

const redis: RedisOptions = { transport: Transport.REDIS, options: { host: '127.0.0.1', port: 6379 } };

export const peer: Peer = {
  serve: ({ received }) => serveNest(redis, received),
  connect: () => connectNest(ClientProxyFactory.create(redis)),
};
