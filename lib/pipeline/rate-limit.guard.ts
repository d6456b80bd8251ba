import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { tooFast } from './rate-refusal.js';
import { ZmqContext } from './zmq.context.js';

/**
 * Keeps the rates of the handlers or controllers that it guards (`@UseGuards(AuthGuard, RateLimitGuard)`), in its place among
 * other guards: after them, and after decoding. Without it the server keeps them by itself, before anything is decoded,
 * which costs a flood of messages far less.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const zmq = context.switchToRpc().getContext<unknown>();
    const wait = zmq instanceof ZmqContext ? countOnce(zmq) : 0;
    return typeof wait === 'number' ? pass(wait) : wait.then(pass);
  }
}

/** A message may meet several guards: of its controller and its handler, or of each handler of an event. */
function countOnce(context: ZmqContext): number | Promise<number> {
  if (context.countRates === undefined) {
    return 0;
  }
  const wait = context.countRates();
  context.countRates = () => wait;
  return wait;
}

function pass(wait: number): true {
  if (wait > 0) {
    throw new RpcException(tooFast(wait));
  }
  return true;
}
