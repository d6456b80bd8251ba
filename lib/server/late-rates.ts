import type { ZmqContext } from '../pipeline/zmq.context.js';
import type { IncomingRequest } from './call.js';
import type { Peer } from './peer.js';
import type { Route } from './route.js';

type Message = Pick<IncomingRequest, 'peer' | 'sender' | 'payloadSize'>;

/**
 * Counts rates of messages that have been decoded already: where a guard looks after them, where a store has to be asked,
 * and where a deserializer has made another pattern of theirs.
 */
export class LateRates {
  /** @param refused - told of each message that is too much */
  constructor(private readonly refused: (peer: Peer, route: Route) => void) {}

  /** 0, or the milliseconds that the message has to wait. */
  count(route: Route, message: Message, context: ZmqContext): number | Promise<number> {
    if (route.limits.rates.some(counter => counter.isShared)) {
      return this.countShared(route, message, context);
    }
    const sender = senderOf(message, context);
    const now = performance.now();
    for (const counter of route.limits.rates) {
      const wait = counter.take(sender, message.payloadSize, now);
      if (wait > 0) {
        return this.refuse(route, message, wait);
      }
    }
    return 0;
  }

  private async countShared(route: Route, message: Message, context: ZmqContext): Promise<number> {
    const sender = senderOf(message, context);
    for (const counter of route.limits.rates) {
      const wait = await counter.takeShared(sender, message.payloadSize);
      if (wait > 0) {
        return this.refuse(route, message, wait);
      }
    }
    return 0;
  }

  private refuse(route: Route, { peer }: Message, wait: number): number {
    route.refused.rate++;
    this.refused(peer, route);
    return wait;
  }
}

function senderOf({ sender }: Message, context: ZmqContext) {
  return { peer: sender, context: () => context };
}
