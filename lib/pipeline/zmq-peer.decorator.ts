import { createParamDecorator, type PipeTransform, type Type } from '@nestjs/common';
import { ZmqContext, type ZmqPeer as Peer } from './zmq.context.js';

export type ZmqPeer = Peer;

/**
 * Gives a parameter of a handler the sender, or what is known of it by that name: `sum(@ZmqPeer() peer: ZmqPeer)`,
 * `sum(@ZmqPeer('identity') name: string | undefined)`. `undefined` where the message did not come through ZeroMQ.
 */
export const ZmqPeer: (
  field?: keyof Peer,
  ...pipes: readonly (Type<PipeTransform> | PipeTransform)[]
) => ParameterDecorator = createParamDecorator<keyof Peer | undefined, unknown>((field, execution) => {
  const context = execution.switchToRpc().getContext<unknown>();
  const peer = context instanceof ZmqContext ? context.getPeer() : undefined;
  return field === undefined ? peer : peer?.[field];
});
