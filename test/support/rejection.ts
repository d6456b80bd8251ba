import type { ClientZmq, ZmqException } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { PacketKind, PayloadEncoding, OutgoingPacket } from '../../lib/wire/packet.js';
import type { RawPeer } from './raw-peer.js';

/** What a request gives. */
export function ask<T = unknown>(client: ClientZmq, pattern: string, data: unknown = {}): Promise<T> {
  return firstValueFrom(client.send<T>(pattern, data));
}

/** The exception that a request fails with; fails the test if it is answered. */
export async function rejectionOf(answer: Promise<unknown>): Promise<ZmqException> {
  const [result] = await Promise.allSettled([answer]);
  if (result.status === 'fulfilled') {
    throw new Error(`It was answered: ${JSON.stringify(result.value)}`);
  }
  return result.reason as ZmqException;
}

/** A request, or an event without an id, whose payload says that it is JSON, whatever it is. */
export function textPacket(pattern: string, text: string, id = 0): OutgoingPacket {
  const kind = id === 0 ? PacketKind.Event : PacketKind.Request;
  const body = Buffer.from(text);
  const payload = { encoding: PayloadEncoding.Json, body, maxSize: body.length };
  return Object.assign(new OutgoingPacket(kind, id, payload), { pattern });
}

/** Has a request in JSON mode answered. */
export async function askJson(peer: RawPeer, request: object): Promise<Record<string, unknown>> {
  await peer.sendFrames(Buffer.from(JSON.stringify(request)));
  return peer.nextJson();
}
