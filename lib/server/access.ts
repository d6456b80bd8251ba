import { ZmqException } from '../errors/zmq.exception.js';
import { NOT_ALLOWED } from '../pipeline/access-refusal.js';
import type { ZmqContext } from '../pipeline/zmq.context.js';
import type { ZmqDenial } from './denial-reports.js';
import { peerOf } from './peer.js';
import type { Attempt, Refusals } from './refusals.js';
import type { Routes } from './routes.js';

type Kind = ZmqDenial['kind'];

export interface AccessOptions {
  /** Whether patterns without a handler are refused like those that the peer may not call. */
  readonly denyByDefault: boolean;
  /** Whether a deserializer may make a known pattern of any. */
  readonly anyPattern: boolean;
  readonly routes: Routes;
  readonly refusals: Pick<Refusals, 'forbidden'>;
}

/** Keeps peers from handlers that they may not call, and from finding out which there are. */
export class Access {
  /** For guards, which know no more than the context. */
  readonly requestDenied = (context: ZmqContext): void => this.deniedByGuard(context, 'request');
  readonly eventDenied = (context: ZmqContext): void => this.deniedByGuard(context, 'event');

  constructor(private readonly options: AccessOptions) {}

  /** Whether a message is refused because of its sender, before anything else is looked at; it is in the books then. */
  refuses(attempt: Attempt): boolean {
    const { denyByDefault, anyPattern, refusals } = this.options;
    if (attempt.route === undefined ? anyPattern || !denyByDefault : isOpen(attempt)) {
      return false;
    }
    refusals.forbidden(attempt);
    return true;
  }

  /**
   * The same for a message of whose pattern a deserializer has made another one.
   *
   * @throws {@link ZmqException} `FORBIDDEN`
   */
  assertAllowed(attempt: Attempt): void {
    const { denyByDefault, refusals } = this.options;
    if (attempt.route === undefined ? !denyByDefault : isOpen(attempt)) {
      return;
    }
    refusals.forbidden(attempt);
    throw new ZmqException(NOT_ALLOWED.code, NOT_ALLOWED.message);
  }

  private deniedByGuard(context: ZmqContext, kind: Kind): void {
    const sender = context.getPeer();
    const peer = peerOf(sender);
    this.options.refusals.forbidden({ sender, peer, route: this.options.routes.get(context.getPattern()), kind });
  }
}

function isOpen({ route, sender }: Attempt): boolean {
  const access = route?.limits.access;
  return access === undefined || access.allows(sender);
}
