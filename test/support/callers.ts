import { PacketKind } from '../../lib/wire/packet.js';
import { eventPacket, jsonOf, RawPeer, requestPacket } from './raw-peer.js';

/** Somebody who calls a server from an address of the test's choice, in one of the two modes. */
export interface Caller {
  /** Sends a request whose answer nobody looks at. */
  begin(pattern: string, data?: unknown): Promise<void>;
  /** The answer, or the error. One at a time. */
  request(pattern: string, data?: unknown): Promise<unknown>;
  event(pattern: string, data?: unknown): Promise<void>;
}

export const MODES = ['binary', 'JSON'] as const;
export type Mode = (typeof MODES)[number];

/** @param source - an address of this machine, such as 127.0.0.2 */
export async function createCaller(mode: Mode, endpoint: string, source = '127.0.0.1'): Promise<Caller> {
  const peer = new RawPeer(endpoint.replace('tcp://', `tcp://${source}:0;`));
  if (mode === 'JSON') {
    return new JsonCaller(peer);
  }
  await peer.hello();
  return new BinaryCaller(peer);
}

class BinaryCaller implements Caller {
  private id = 0;

  constructor(private readonly peer: RawPeer) {}

  begin(pattern: string, data: unknown = {}): Promise<void> {
    return this.peer.send(requestPacket(++this.id, pattern, data));
  }

  async request(pattern: string, data?: unknown): Promise<unknown> {
    await this.begin(pattern, data);
    const { id } = this;
    for (;;) {
      const packet = await this.peer.next();
      if (packet.id === id && packet.kind === PacketKind.Response) {
        return JSON.parse(packet.payload.toString()) as unknown;
      }
      if (packet.id === id && packet.kind === PacketKind.Error) {
        return jsonOf(packet);
      }
    }
  }

  event(pattern: string, data: unknown = {}): Promise<void> {
    return this.peer.send(eventPacket(pattern, data));
  }
}

class JsonCaller implements Caller {
  private id = 0;

  constructor(private readonly peer: RawPeer) {}

  begin(pattern: string, data: unknown = {}): Promise<void> {
    return this.send({ id: String(++this.id), pattern, data });
  }

  async request(pattern: string, data?: unknown): Promise<unknown> {
    await this.begin(pattern, data);
    const id = String(this.id);
    for (;;) {
      const answer = await this.peer.nextJson();
      if (answer['id'] === id) {
        return answer['err'] ?? answer['response'];
      }
    }
  }

  event(pattern: string, data: unknown = {}): Promise<void> {
    return this.send({ pattern, data });
  }

  private send(message: object): Promise<void> {
    return this.peer.sendFrames(Buffer.from(JSON.stringify(message)));
  }
}
