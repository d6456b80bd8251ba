import { ByteBudget } from '../../lib/limits/byte-budget.js';
import { BudgetAccount } from '../../lib/limits/peer-account.js';
import { Peer } from '../../lib/server/peer.js';
import type { ReplySink } from '../../lib/server/replies.js';
import type { QueuedPacket } from '../../lib/socket/queued-packet.js';
import { createOutbox, type FakeWire } from './outbox.js';

/** A peer of a server, in front of a wire that the test holds. */
export function createPeer(id: string, { binary = true, now = 0 } = {}): { peer: Peer; wire: FakeWire } {
  const peer = new Peer({
    id,
    binary,
    maxReplySize: 1024,
    account: new BudgetAccount(createBudget()),
    origin: undefined,
    now,
    onOverflow: () => undefined,
  });
  const { outbox, wire } = createOutbox();
  peer.outbox = outbox;
  return { peer, wire };
}

/** Where replies go in a test. */
export class FakeSink implements ReplySink {
  congested = false;
  room = true;
  settled = 0;
  canWait = false;
  readonly overflowCode = 'BACKPRESSURE';
  readonly packets: QueuedPacket[] = [];

  get ids(): readonly number[] {
    return this.packets.map(({ id }) => id);
  }

  hasRoom(): boolean {
    return this.room;
  }

  push(packet: QueuedPacket): void {
    this.packets.push(packet);
  }

  settle(): void {
    this.settled++;
  }
}

export function createBudget(limit = 1_000_000): ByteBudget {
  return new ByteBudget(limit);
}
