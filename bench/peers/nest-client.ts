import { Logger } from '@nestjs/common';
import type { ClientProxy } from '@nestjs/microservices';
import { ObservableClient } from '../load/observable-client.js';
import { PATTERNS } from './patterns.js';

/** The driver for everything that is a `ClientProxy`. */
export async function connectNest(client: ClientProxy): Promise<ObservableClient> {
  Logger.overrideLogger(['error']);
  await client.connect();
  return new ObservableClient({
    echo: payload => client.send(PATTERNS.echo, payload),
    emit: payload => client.emit(PATTERNS.event, payload),
    stream: values => client.send(PATTERNS.stream, values),
    sizeOf,
  });
}

function sizeOf(answer: unknown): number {
  if (typeof answer === 'string' || answer instanceof Uint8Array) return answer.length;
  // What JSON makes of a Buffer.
  const { data } = answer as { data?: unknown };
  return Array.isArray(data) ? data.length : -1;
}
