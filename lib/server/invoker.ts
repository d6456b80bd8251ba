import type { Deserializer } from '@nestjs/microservices';
import { ZmqException } from '../errors/zmq.exception.js';
import { runInCallScope } from '../pipeline/call-scope.js';
import { tooFast } from '../pipeline/rate-refusal.js';
import type { ZmqContext } from '../pipeline/zmq.context.js';
import { routeOf } from '../wire/pattern.js';
import type { Access } from './access.js';
import type { IncomingRequest } from './call.js';
import type { Route } from './route.js';
import type { LateRates } from './late-rates.js';
import type { Routes } from './routes.js';
import { tooLarge } from './size-violations.js';

/** An event, or what a request has in common with it. */
export type IncomingEvent = Pick<
  IncomingRequest,
  'peer' | 'sender' | 'pattern' | 'route' | 'data' | 'metadata' | 'size' | 'payloadSize'
>;

export interface InvokerOptions {
  readonly routes: Routes;
  readonly deserializer: Deserializer | undefined;
  readonly access: Access;
  readonly rates: LateRates;
}

/** Calls handlers. */
export class Invoker {
  constructor(private readonly options: InvokerOptions) {}

  /**
   * What the handler of a message returns.
   *
   * @throws {@link ZmqException} `NO_HANDLER`, `RATE_LIMITED` by a limit that is counted elsewhere, or what a message is
   * refused with whose pattern a deserializer has changed
   */
  invoke(incoming: IncomingEvent, context: ZmqContext): unknown {
    const { route } = incoming;
    if (this.options.deserializer !== undefined) {
      return runInCallScope(context.deadline, () => this.deserialize(incoming, context));
    }
    if (route === undefined) {
      throw noHandler(incoming.pattern);
    }
    if (route.limits.isShared) {
      return this.invokeShared(route, incoming, context);
    }
    return runInCallScope(context.deadline, () => route.handler(incoming.data, context));
  }

  private async invokeShared(route: Route, incoming: IncomingEvent, context: ZmqContext): Promise<unknown> {
    await this.assertRates(route, incoming, context);
    // Nobody may wait for it any more.
    return context.isAborted
      ? undefined
      : runInCallScope(context.deadline, () => route.handler(incoming.data, context));
  }

  private async assertRates(route: Route, incoming: IncomingEvent, context: ZmqContext): Promise<void> {
    const wait = await this.options.rates.count(route, incoming, context);
    if (wait > 0) {
      const { code, message, details } = tooFast(wait);
      throw new ZmqException(code, message, { details });
    }
  }

  /** What a message has to keep to whose pattern, and with it its handler, is not the one that came. */
  private async assertLimits(route: Route, incoming: IncomingEvent, context: ZmqContext): Promise<void> {
    const { maxMessageSize, isGuarded, rates } = route.limits;
    if (incoming.payloadSize > maxMessageSize) {
      route.refused.size++;
      throw tooLarge({ limit: maxMessageSize, actual: incoming.payloadSize });
    }
    context.countRates = isGuarded ? () => this.options.rates.count(route, incoming, context) : undefined;
    if (rates.length > 0 && !isGuarded) {
      await this.assertRates(route, incoming, context);
    }
  }

  /** A deserializer of the user's own may change everything, even the pattern, and may take its time. */
  private async deserialize(incoming: IncomingEvent, context: ZmqContext): Promise<unknown> {
    const { pattern, data, metadata } = incoming;
    const packet: unknown = await this.options.deserializer?.deserialize({
      pattern,
      data,
      ...(metadata !== undefined && { metadata }),
      ...('id' in incoming && { id: incoming.id }),
    });
    if (context.isAborted) {
      return undefined;
    }
    const { pattern: target, data: payload, metadata: revised } = packet as Partial<IncomingEvent>;
    const name = routeOf(target) ?? pattern;
    context.revise(name, revised);
    const route = this.options.routes.get(name);
    if (route !== incoming.route || route === undefined) {
      const { peer, sender } = incoming;
      this.options.access.assertAllowed({ peer, sender, route, kind: 'id' in incoming ? 'request' : 'event' });
    }
    if (route === undefined) {
      throw noHandler(name);
    }
    if (route !== incoming.route) {
      await this.assertLimits(route, incoming, context);
    } else if (route.limits.isShared) {
      await this.assertRates(route, incoming, context);
    }
    return context.isAborted ? undefined : route.handler(payload, context);
  }
}

export function noHandler(pattern: string): ZmqException {
  return new ZmqException('NO_HANDLER', 'There is no matching message handler defined in the remote service.', {
    details: { pattern: pattern.slice(0, 100) },
  });
}
