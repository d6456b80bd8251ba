import {
  ClientZmq,
  Concurrency,
  MaxMessageSize,
  MaxResponseSize,
  RateLimit,
  ServerZmq,
  ZmqModule,
} from 'nestjs-zeromq';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

const MOST = 1_000_000_000;

/** This transport with every limit next to the handler, none of which is reached. */
export const peer: Peer = {
  serve: ({ port, received }) =>
    serveNest({ strategy: new ServerZmq({ bind: `tcp://127.0.0.1:${port}` }) }, received, {
      imports: [ZmqModule.forRoot()],
      decorators: [
        MaxMessageSize('1mb'),
        MaxResponseSize('1mb'),
        RateLimit({ points: MOST, bytes: '1024gb' }),
        Concurrency(1_024, { queue: 1_024 }),
      ],
    }),
  connect: port => connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}` })),
};
