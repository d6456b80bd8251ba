import type { Deserializer } from '@nestjs/microservices';
import { fromErrorObject } from '../errors/remote-error.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { PacketKind } from '../wire/packet.js';
import type { ClientRequest } from './client-request.js';

export interface DecodedAnswer {
  readonly kind: PacketKind;
  readonly value: unknown;
  readonly last: boolean;
}

/**
 * Delivers an answer by way of a Nest deserializer of the user's own, which sees Nest's packets and may take its time:
 * answers to one request keep their order.
 */
export function deliverDeserialized(
  deserializer: Deserializer,
  request: ClientRequest,
  { kind, value, last }: DecodedAnswer,
): void {
  const { id, session } = request;
  const isError = kind === PacketKind.Error;
  const isDisposed = isError || last || kind === PacketKind.Complete;
  const incoming = {
    id: String(id),
    ...(kind === PacketKind.Response && { response: value }),
    ...(isError && { err: fromErrorObject(value) }),
    ...(isDisposed && { isDisposed }),
  };
  // An answer may be ready only when the request has been sent anew, and belongs to nobody then.
  const isCurrent = () => request.id === id && request.session === session;
  const deliver = (output: unknown) => {
    if (isCurrent()) {
      deliverPacket(request, output, { isError, isDisposed });
    }
  };
  const fail = (error: unknown) => {
    if (isCurrent()) {
      request.fail(error);
    }
  };
  try {
    const output: unknown = deserializer.deserialize(incoming);
    if (request.deserializing === undefined && !(output instanceof Promise)) {
      deliver(output);
      return;
    }
    const before = request.deserializing ?? Promise.resolve();
    request.deserializing = before.then(async () => deliver(await output)).catch(fail);
  } catch (error) {
    request.fail(error);
  }
}

function deliverPacket(
  request: ClientRequest,
  output: unknown,
  { isError, isDisposed }: { readonly isError: boolean; readonly isDisposed: boolean },
): void {
  if (typeof output !== 'object' || output === null) {
    request.reject(new ZmqException('MALFORMED', 'The deserializer made no packet of the response.'));
    return;
  }
  const { err, response } = output as { err?: unknown; response?: unknown };
  if (err !== undefined && err !== null) {
    if (isError) {
      request.refused(err, 'server');
    } else {
      // Made of a value: the handler has run.
      request.fail(err);
    }
  } else if (isDisposed && response === undefined) {
    request.complete();
  } else {
    request.deliver(response, isDisposed);
  }
}
