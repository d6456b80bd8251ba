import { UseGuards } from '@nestjs/common';
import { ClientZmq, RateLimit, RateLimitGuard, ServerZmq, ZmqModule } from 'nestjs-zeromq';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** This transport with a rate that is never reached, kept by a guard. */
export const peer: Peer = {
  serve: ({ port, received }) =>
    serveNest({ strategy: new ServerZmq({ bind: `tcp://127.0.0.1:${port}` }) }, received, {
      imports: [ZmqModule.forRoot({ validation: false })],
      decorators: [UseGuards(RateLimitGuard), RateLimit({ points: 1_000_000_000 })],
    }),
  connect: port => connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}` })),
};
