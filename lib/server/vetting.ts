import type { ZmqErrorObject } from '../errors/zmq.exception.js';
import { tooFast } from '../pipeline/rate-refusal.js';
import { ZmqContext, type ZmqPeer } from '../pipeline/zmq.context.js';
import type { Access } from './access.js';
import type { Peer } from './peer.js';
import type { Attempt } from './refusals.js';
import type { Replies, ReplySink } from './replies.js';
import type { Route } from './route.js';
import type { RateCounter } from './route-rates.js';
import type { SizeViolations } from './size-violations.js';

/** Milliseconds after which it is worth asking again whether there is less to do. */
const RETRY_AFTER_MS = 250;

// Refusals are values, not exceptions: there may be a hundred thousand a second, and a stack trace costs more than all the rest.
const SHEDDING: ZmqErrorObject = Object.freeze({
  code: 'OVERLOADED',
  message: 'The server is overloaded.',
  details: Object.freeze({ retryAfterMs: RETRY_AFTER_MS }),
});
/** All places of the handler are taken, and all room to wait for one. */
export const FULL: ZmqErrorObject = Object.freeze({
  code: 'OVERLOADED',
  message: 'The handler has as many requests as it takes.',
});

/** What has waited for a place until nobody waited for it any more. */
export const EXPIRED: ZmqErrorObject = Object.freeze({
  code: 'DEADLINE_EXCEEDED',
  message: 'The deadline passed before the handler could begin.',
});

/** A request or event before it is decoded. */
export interface Envelope {
  readonly peer: Peer;
  readonly sender: ZmqPeer;
  readonly route: Route;
  /** Bytes of the payload. */
  readonly size: number;
  /** Milliseconds that the caller waits; 0 for ever, and for an event. */
  readonly timeoutMs: number;
  /** Decodes the metadata, if there are any that can be decoded. */
  readonly metadata: () => Readonly<Record<string, string>> | undefined;
  /** Where an answer goes; `undefined` for an event. */
  readonly answer: { readonly replies: Replies; readonly sink: ReplySink } | undefined;
  /** Called once a message that does not pass has been dealt with. */
  readonly done: (() => void) | undefined;
}

export interface VettingOptions {
  readonly access: Access;
  readonly sizeViolations: SizeViolations;
  /** Books a refusal. */
  readonly refused: (envelope: Envelope, refusal: ZmqErrorObject) => void;
}

/** Looks at requests and events before they are decoded, so that what is too much is refused at the least cost. */
export class Vetting {
  /** Whether the process has so much to do that only critical requests are taken. */
  isShedding = false;

  constructor(private readonly options: VettingOptions) {}

  /** Whether there is anything to ask about the sender of a message. */
  asksWho(route: Route | undefined): boolean {
    return route === undefined || route.limits.access !== undefined;
  }

  /**
   * Whether a message is refused because of its sender, which is in the books then. It is asked first: whoever may not
   * call a handler learns nothing of it, not even by what else is wrong, and uses up nothing.
   */
  forbids(attempt: Attempt): boolean {
    return this.options.access.refuses(attempt);
  }

  /** Whether there is nothing to ask about a message of so many bytes. */
  isPlain({ limits }: Route, size: number): boolean {
    return limits.isPlain && !this.isShedding && size <= limits.maxMessageSize;
  }

  /** Whether a message may go on. If not, all has been done about it. */
  passes(envelope: Envelope): boolean {
    if (envelope.size > envelope.route.limits.maxMessageSize) {
      this.options.sizeViolations.handle(envelope);
      return false;
    }
    const refusal = this.refusalOf(envelope);
    if (refusal === undefined) {
      return true;
    }
    const { answer, done } = envelope;
    this.options.refused(envelope, refusal);
    if (answer !== undefined) {
      answer.sink.push(answer.replies.error(refusal));
      answer.sink.settle?.();
    }
    done?.();
    return false;
  }

  /** Why a request or event is refused; `undefined` if it is taken, in which case its rates have been used. */
  private refusalOf(envelope: Envelope): ZmqErrorObject | undefined {
    const { route } = envelope;
    const { rates, priority, isGuarded } = route.limits;
    if (this.isShedding && priority !== 'critical') {
      route.refused.overload++;
      return SHEDDING;
    }
    if (route.isFull) {
      route.refused.overload++;
      return FULL;
    }
    if (rates.length === 0 || isGuarded) {
      return undefined;
    }
    const refusal = this.rateRefusalOf(envelope, rates);
    route.refused.rate += refusal === undefined ? 0 : 1;
    return refusal;
  }

  private rateRefusalOf(
    { sender: peer, route, size, metadata }: Envelope,
    rates: readonly RateCounter[],
  ): ZmqErrorObject | undefined {
    const sender = {
      peer,
      context: () => new ZmqContext({ pattern: route.pattern, metadata: metadata(), peer, deadline: undefined }),
    };
    const now = performance.now();
    for (const counter of rates) {
      const wait = counter.take(sender, size, now);
      if (wait > 0) {
        return tooFast(wait);
      }
    }
    return undefined;
  }
}
