import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { NOT_ALLOWED } from './access-refusal.js';
import { rulesOf } from './handler-rules.js';
import { accessOf, type PeerAccess } from './peer-access.js';
import { ZmqContext, type ZmqPeer } from './zmq.context.js';

type Access = PeerAccess | 'anyone';

/** By class and method: this is asked for each message. */
const decorated = new WeakMap<object, WeakMap<object, Access>>();

/**
 * Keeps the `@AllowPeers()` of handlers and controllers once more, in its place among other guards:
 * `@UseGuards(AuthGuard, PeerGuard)`. The server does so in any case, with what the module and `ZmqLimits` say as well,
 * and before anything is decoded. The guard is there to be extended:
 *
 * ```ts
 * @Injectable()
 * export class ShiftGuard extends PeerGuard {
 *   protected override async isAllowed(peer: ZmqPeer, context: ZmqContext, execution: ExecutionContext): Promise<boolean> {
 *     return (await super.isAllowed(peer, context, execution)) && this.shifts.isOn(peer.identity);
 *   }
 * }
 * ```
 *
 * Whoever is not allowed gets `FORBIDDEN`. A caller that did not come through ZeroMQ has no identity, roles or address
 * here, so it passes only where the handler has no `@AllowPeers()`, or lets anyone in; over HTTP Nest answers it with
 * status 403. `isAllowed()` is not asked about it.
 */
@Injectable()
export class PeerGuard implements CanActivate {
  /** @throws RpcException `FORBIDDEN` */
  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    const context = execution.switchToRpc().getContext<unknown>();
    if (!(context instanceof ZmqContext)) {
      return decoratedAccess(execution) === 'anyone';
    }
    const isAllowed = this.isAllowed(context.getPeer(), context, execution);
    return typeof isAllowed === 'boolean' ? pass(isAllowed, context) : isAllowed.then(each => pass(each, context));
  }

  /** Whether the sender may call the handler: what decorators say, unless it is overridden. */
  protected isAllowed(peer: ZmqPeer, _context: ZmqContext, execution: ExecutionContext): boolean | Promise<boolean> {
    const access = decoratedAccess(execution);
    return access === 'anyone' || access.allows(peer);
  }
}

function decoratedAccess(execution: ExecutionContext): Access {
  const type = execution.getClass();
  const method = execution.getHandler();
  const ofType = decorated.get(type) ?? new WeakMap<object, Access>();
  decorated.set(type, ofType);
  const access = ofType.get(method) ?? accessOf(rulesOf(type, method)?.allowPeers) ?? 'anyone';
  ofType.set(method, access);
  return access;
}

function pass(isAllowed: boolean, context: ZmqContext): true {
  if (!isAllowed) {
    context.onDenied?.(context);
    throw new RpcException(NOT_ALLOWED);
  }
  return true;
}
