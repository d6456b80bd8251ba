import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, expect } from 'vitest';
import { PacketKind } from '../../lib/wire/packet.js';
import { requestPacket, type RawPeer } from './raw-peer.js';
import { connectClient, startApp, type ZmqApp } from './zmq-app.js';

@Controller()
export class EchoController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('hold')
  hold(): Promise<never> {
    return new Promise(() => undefined);
  }

  @EventPattern('note')
  note(@Payload() _data: unknown): void {}
}

export function startEcho(options: ZmqServerOptions = {}): Promise<ZmqApp> {
  return startApp([EchoController], { server: { drainTimeout: 50, ...options } });
}

/** The server still answers a new client, and a peer that has a session. */
export async function expectToServe(endpoint: string, peer?: RawPeer): Promise<void> {
  if (peer !== undefined) {
    await peer.send(requestPacket(0xffff, 'echo', 'alive'));
    const answer = await peer.next(PacketKind.Response);
    expect({ id: answer.id, last: answer.last, text: answer.payload.toString() }).toEqual({
      id: 0xffff,
      last: true,
      text: '"alive"',
    });
  }
  const client = await connectClient(endpoint);
  expect(await firstValueFrom(client.send('echo', { ok: true }))).toEqual({ ok: true });
  await client.close();
}

/** Fails every test of the file that leaves an unhandled rejection. */
export function refuseUnhandledRejections(): void {
  let rejections: unknown[] = [];
  const remember = (reason: unknown) => rejections.push(reason);
  beforeEach(() => {
    rejections = [];
    process.on('unhandledRejection', remember);
  });
  afterEach(() => {
    process.off('unhandledRejection', remember);
    expect(rejections).toEqual([]);
  });
}

/** JSON text of so many arrays within one another. */
export function nestedArrays(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}
