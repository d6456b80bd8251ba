import { Dealer, Router } from 'zeromq';
import { BatchCursor } from '../../lib/wire/batch-cursor.js';
import { BatchEncoder } from '../../lib/wire/batch-encoder.js';
import { Malformed } from '../../lib/wire/malformed.js';
import { OutgoingPacket, PacketKind, type IncomingPacket } from '../../lib/wire/packet.js';
import { encodePayload } from '../../lib/wire/payload-codec.js';
import { LIMITS } from './wire.js';
import { onCleanup } from './zmq-app.js';

const encoder = new BatchEncoder({ maxBytes: 1 << 24, maxPackets: 65_536, detachFrom: 1 << 30 });
const READ_LIMITS = { ...LIMITS, maxBatchPackets: 65_536 };

export interface RequestFields {
  readonly window?: number;
  readonly timeoutMs?: number;
}

export function requestPacket(id: number, pattern: string, data: unknown, fields: RequestFields = {}): OutgoingPacket {
  return Object.assign(new OutgoingPacket(PacketKind.Request, id, encodePayload(data, 'json')), { pattern, ...fields });
}

export function eventPacket(pattern: string, data: unknown): OutgoingPacket {
  return Object.assign(new OutgoingPacket(PacketKind.Event, 0, encodePayload(data, 'json')), { pattern });
}

export function controlPacket(kind: PacketKind, id = 0, body?: unknown): OutgoingPacket {
  return new OutgoingPacket(kind, id, encodePayload(body, 'json'));
}

export function creditPacket(id: number, amount: number): OutgoingPacket {
  return Object.assign(new OutgoingPacket(PacketKind.Credit, id), { amount });
}

export function batchOf(...packets: readonly OutgoingPacket[]): Buffer {
  return encoder.encode(packets, 0).frames[0] as Buffer;
}

/** The packets of a message that a correct peer has sent. */
export function packetsOf(frames: readonly Buffer[]): IncomingPacket[] {
  const cursor = new BatchCursor(frames, READ_LIMITS);
  const packets: IncomingPacket[] = [];
  for (let next = cursor.next(); next !== undefined; next = cursor.next()) {
    if (next instanceof Malformed) {
      throw new Error(`The peer sent a malformed message: ${next.reason}`);
    }
    packets.push(next);
  }
  return packets;
}

export function jsonOf(packet: IncomingPacket): Record<string, unknown> {
  return JSON.parse(packet.payload.toString()) as Record<string, unknown>;
}

/** A client without this library: a bare DEALER that says what the test tells it to. */
export class RawPeer {
  readonly socket: Dealer;
  private readonly received: IncomingPacket[] = [];

  constructor(endpoint: string, options: { readonly receiveHighWaterMark?: number } = {}) {
    this.socket = new Dealer({ linger: 0, receiveTimeout: 5_000, sendTimeout: 5_000, ...options });
    this.socket.connect(endpoint);
    onCleanup(() => this.close());
  }

  close(): void {
    if (!this.socket.closed) {
      this.socket.close();
    }
  }

  async hello(maxMessageSize = 1024 * 1024): Promise<IncomingPacket> {
    await this.send(controlPacket(PacketKind.Hello, 0, { version: 1, limits: { maxMessageSize } }));
    return this.next(PacketKind.Welcome);
  }

  send(...packets: readonly OutgoingPacket[]): Promise<void> {
    return this.socket.send(batchOf(...packets));
  }

  sendFrames(...frames: readonly Uint8Array[]): Promise<void> {
    return this.socket.send(frames.map(frame => Buffer.from(frame)));
  }

  /** The next packet, or the next of a kind; fails after five seconds. */
  async next(kind?: PacketKind): Promise<IncomingPacket> {
    for (;;) {
      const packet = this.received.shift() ?? (await this.receive());
      if (packet !== undefined && (kind === undefined || packet.kind === kind)) {
        return packet;
      }
    }
  }

  /** The object of the next error packet. */
  async nextError(): Promise<{ id: number; error: Record<string, unknown> }> {
    const packet = await this.next(PacketKind.Error);
    return { id: packet.id, error: jsonOf(packet) };
  }

  /** The next answer in JSON mode. */
  async nextJson(): Promise<Record<string, unknown>> {
    const [frame] = await this.socket.receive();
    return JSON.parse(String(frame)) as Record<string, unknown>;
  }

  private async receive(): Promise<IncomingPacket | undefined> {
    this.received.push(...packetsOf(await this.socket.receive()));
    return this.received.shift();
  }
}

export const WELCOME = {
  version: 1,
  server: 'fake',
  encodings: ['raw', 'json'],
  limits: {
    maxMessageSize: 1024 * 1024,
    maxBatchPackets: 4096,
    maxPatternLength: 256,
    maxMetadataSize: 8192,
    eventWindow: 1024 * 1024,
  },
};

/** A server without this library: a bare ROUTER that answers each message with the frames that `answer` gives. */
export class RawServer {
  endpoint = '';
  private readonly router = new Router({ linger: 0 });

  constructor(private readonly answer: (packets: IncomingPacket[]) => Iterable<readonly Uint8Array[]>) {
    onCleanup(() => this.close());
  }

  async open(bind = 'tcp://127.0.0.1:*'): Promise<this> {
    await this.router.bind(bind);
    this.endpoint = this.router.lastEndpoint ?? bind;
    void this.serve().catch(() => undefined);
    return this;
  }

  close(): void {
    if (!this.router.closed) {
      this.router.close();
    }
  }

  private async serve(): Promise<void> {
    for await (const [peer, ...frames] of this.router) {
      for (const reply of this.answer(packetsOf(frames))) {
        await this.router.send([peer as Buffer, ...reply.map(frame => Buffer.from(frame))]);
      }
    }
  }
}
