import { ByteBudget } from '../../lib/limits/byte-budget.js';
import type { MessageEncoder, OutboxOptions } from '../../lib/socket/outbox.js';
import { Outbox } from '../../lib/socket/outbox.js';
import { QueuedPacket } from '../../lib/socket/queued-packet.js';
import type { SendOutcome } from '../../lib/socket/server-socket.js';
import { PacketKind } from '../../lib/wire/packet.js';
import { encodePayload } from '../../lib/wire/payload-codec.js';

/** One message on its way, until the test says what becomes of it. */
export interface Transmission {
  readonly ids: readonly number[];
  settle(outcome: SendOutcome): void;
  reject(error: Error): void;
}

/** A socket that keeps what it is given. Messages are the ids of their packets, a byte each. */
export class FakeWire {
  readonly transmissions: Transmission[] = [];
  /** What to answer at once; `undefined` leaves it to the test. */
  outcome: SendOutcome | undefined = 'sent';

  readonly send = (frames: Buffer[]): Promise<SendOutcome> => {
    const ids = [...(frames[0] ?? [])];
    return new Promise((settle, reject) => {
      this.transmissions.push({ ids, settle, reject });
      if (this.outcome !== undefined) {
        settle(this.outcome);
      }
    });
  };

  /** The packets of each message, in order. */
  get messages(): (readonly number[])[] {
    return this.transmissions.map(({ ids }) => ids);
  }

  get last(): Transmission {
    return this.transmissions.at(-1) as Transmission;
  }
}

export function idEncoder(maxPackets: number): MessageEncoder {
  return {
    maxPackets,
    encode(queue, from, until) {
      const packets = queue.slice(from, Math.min(until, from + maxPackets));
      return { frames: [Buffer.from(packets.map(({ id }) => id))], count: packets.length };
    },
  };
}

export function packetOf(id: number, bytes = 0): QueuedPacket {
  return new QueuedPacket(PacketKind.Response, id, encodePayload(Buffer.alloc(bytes), 'json'));
}

/** What an empty packet is charged with. */
export const OVERHEAD = packetOf(0).charge;

export function createOutbox(options: Partial<OutboxOptions> = {}) {
  const wire = new FakeWire();
  const budget = new ByteBudget(1_000_000);
  const outbox = new Outbox({
    encoder: idEncoder(200),
    send: wire.send,
    maxPackets: 1_000,
    maxBytes: 1_000_000,
    budget,
    ...options,
  });
  return { outbox, wire, budget };
}
