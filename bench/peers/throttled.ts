import { Injectable, UseGuards, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { ClientZmq, ServerZmq, type ZmqContext } from 'nestjs-zeromq';
import { connectNest } from './nest-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

/** Tells senders by their connections, as messages have neither an ip nor headers. */
@Injectable()
class MessageThrottlerGuard extends ThrottlerGuard {
  protected override getRequestResponse(context: ExecutionContext) {
    const peer = context.switchToRpc().getContext<ZmqContext>().getPeer();
    return { req: { ip: peer.id }, res: { header: () => undefined } };
  }
}

/** This transport with a rate that is never reached, kept by @nestjs/throttler in memory. */
export const peer: Peer = {
  serve: ({ port, received }) =>
    serveNest({ strategy: new ServerZmq({ bind: `tcp://127.0.0.1:${port}` }) }, received, {
      imports: [ThrottlerModule.forRoot([{ ttl: 1_000, limit: 1_000_000_000 }])],
      decorators: [UseGuards(MessageThrottlerGuard)],
    }),
  connect: port => connectNest(new ClientZmq({ connect: `tcp://127.0.0.1:${port}` })),
};
